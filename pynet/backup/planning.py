"""Asks the source for a plan, with all that it cannot know of the destination."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from pynet.backup.mark import marked, new_mark
from pynet.backup.place import Place
from pynet.backup.plan import Plan
from pynet.backup.policy import Policy
from pynet.backup.sheet import unpack
from pynet.backup.stores import Stores
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
    stores: Stores | None = None,
) -> Plan:
    """What would move now; nothing does.

    Args:
        remote: the file process of the Gateway.
        root: there.
        policy: the rules.
        place, tree: the destination.
        draining: see :func:`pynet.backup.plan.plan`.
        stay: why single files stay, by name.
        stores: with the one that files go to, if it is one.

    Raises:
        NotShared: there is no such root.
        FilesError: the store cannot be used.
    """
    store = None if stores is None else stores.own
    base = place.base if stores is None or store is None else stores.spool.base
    with contextlib.ExitStack() as marks:
        mark = marks.enter_context(marked(tree, base))
        if store is not None:
            mark = mark or new_mark()
            marks.enter_context(store.marked(place.base, mark))
        options = {
            "draining": draining,
            # In a store there is room for everything; it says so if there is not.
            "destination": tree.usage() if store is None else None,
            "stay": dict(stay or {}),
            "restored": place.restored().names(),
            "largest": place.largest(),
            "mark": mark,
        }
        return unpack(policy, remote.batches("backup.plan", root, policy.to_dict(), options))
