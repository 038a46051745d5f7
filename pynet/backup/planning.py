"""Asks the source for a plan, with all that it cannot know of the destination."""

from __future__ import annotations

from collections.abc import Mapping

from pynet.backup.mark import marked
from pynet.backup.place import Place
from pynet.backup.plan import Plan
from pynet.backup.policy import Policy
from pynet.backup.sheet import unpack
from pynet.files.tree import Tree
from pynet.remote import RemoteGateway


def ask_for_plan(
    remote: RemoteGateway,
    root: str,
    policy: Policy,
    place: Place,
    tree: Tree,
    *,
    draining: bool,
    stay: Mapping[bytes, str] | None = None,
) -> Plan:
    """What would move now; nothing does.

    Args:
        remote: the file process of the Gateway.
        root: there.
        policy: the rules.
        place, tree: the destination.
        draining: see :func:`pynet.backup.plan.plan`.
        stay: why single files stay, by name.

    Raises:
        NotShared: there is no such root.
    """
    with marked(tree, place.base) as mark:
        options = {
            "draining": draining,
            "destination": tree.usage(),
            "stay": dict(stay or {}),
            "restored": place.restored().names(),
            "largest": place.largest(),
            "mark": mark,
        }
        return unpack(policy, remote.batches("backup.plan", root, policy.to_dict(), options))
