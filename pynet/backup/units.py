"""Which files can move, which of them go together, and why the others stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pynet.backup.globs import Globs
from pynet.backup.policy import Policy
from pynet.files.info import FILE, FOLDER, FileInfo, Problem

KEEP, GROUP, LOCK = b".pynet-keep", b".pynet-group", b".lock"
"""Names of files that keep all below their folder, and that make it a group; and what a name ends
in while its folder is being written."""

DAY = 86400


@dataclass(frozen=True, slots=True)
class Unit:
    """A file, or a group of files that move together.

    Attributes:
        name: of the file or the folder.
        files: of it, in order of names.
        group: it is a folder.
        mtime_ns: of the newest file.
    """

    name: bytes
    files: tuple[FileInfo, ...]
    group: bool = False

    @property
    def mtime_ns(self) -> int:
        """When the newest of its files was changed."""
        return max(file.mtime_ns for file in self.files)

    @property
    def size(self) -> int:
        """Bytes to send."""
        return sum(file.size for file in self.files)

    @property
    def allocated(self) -> int:
        """Bytes that are free when it is removed."""
        return sum(file.allocated for file in self.files)

    @property
    def order(self) -> tuple[int, bytes]:
        """Oldest first; of the same age, by the bytes of their names."""
        return self.mtime_ns, self.name


@dataclass(frozen=True, slots=True)
class Skip:
    """Something that stays, and why.

    Attributes:
        name: of the file or folder.
        code: ``"link"``, ``"special"``, ``"denied"``, ``"io"``, ``"vanished"``, ``"name"``,
            ``"protected"``, ``"kept"``, ``"locked"``, ``"linked"``, ``"future"``, ``"young"``,
            ``"recent"``, ``"newest"``, ``"empty"``, ``"large"``, ``"stays"``, ``"same"``, or as in
            :class:`~pynet.files.receipts.Outcome`.
        text: a sentence for people.
        mtime_ns: when it was last changed; 0 where that is not known.
        allocated: bytes that it holds.
    """

    name: bytes
    code: str
    text: str
    mtime_ns: int = 0
    allocated: int = 0


@dataclass(frozen=True, slots=True)
class Sorted:
    """All that is below a root.

    Attributes:
        units: that can move, oldest first.
        skipped: what stays.
    """

    units: tuple[Unit, ...]
    skipped: tuple[Skip, ...]


def sort_out(
    policy: Policy,
    found: Iterable[FileInfo | Problem],
    now: float,
    stay: Mapping[bytes, str] | None = None,
    mark: bytes = b"",
) -> Sorted:
    """Tell what can move from what stays.

    Args:
        policy: the rules.
        found: what a scan of the whole root gives. What a filter hides can keep no group.
        now: seconds since 1970.
        stay: why single files stay beyond that, by name.
        mark: name of a file; all below its folder is at the destination already.
    """
    return _Sorting(policy, list(found), now, stay or {}, mark).result()


class _Sorting:
    def __init__(
        self,
        policy: Policy,
        found: list[FileInfo | Problem],
        now: float,
        stay: Mapping[bytes, str],
        mark: bytes,
    ) -> None:
        self._policy = policy
        self._found = found
        self._now_ns = int(now * 1e9)
        self._stay = stay
        self._mark = mark
        self._protect = Globs(policy.protect)
        self._patterns = Globs(policy.groups)
        self._marked: set[bytes] = set()
        self._groups: dict[bytes, bytes] = {b"": b""}
        self._kept: set[bytes] = set()
        self._locked: set[bytes] = set()
        self._copies: set[bytes] = set()
        for thing in found:
            folder, _, part = thing.name.rpartition(b"/")
            if part == KEEP:
                self._kept.add(folder)
            elif part == GROUP:
                self._marked.add(folder)
            elif part.endswith(LOCK):
                self._locked.add(folder)
            elif mark and part == mark:
                self._copies.add(folder)

    def result(self) -> Sorted:
        members: dict[bytes, list[FileInfo]] = {}
        skipped: list[Skip] = []
        blocked: dict[bytes, Skip] = {}
        for thing in self._found:
            if isinstance(thing, FileInfo) and thing.kind == FOLDER:
                continue
            if self._mark and thing.name.endswith(self._mark):
                continue
            group = self._group_of(thing.name.rpartition(b"/")[0])
            skip = self._why(thing, bool(group))
            if skip is not None and not group:
                skipped.append(skip)
                continue
            if skip is not None:
                blocked.setdefault(group, skip)
            if isinstance(thing, FileInfo) and thing.kind == FILE:
                members.setdefault(group or thing.name, []).append(thing)
            else:
                members.setdefault(group, [])
        groups = set(self._groups.values())
        units = []
        for name, files in members.items():
            if name in blocked:
                skipped.append(_blocked(name, files, blocked[name]))
            elif not any(file.size for file in files):
                skipped.append(Skip(name, "empty", "nothing in it to move", files[0].mtime_ns))
            else:
                files.sort(key=lambda file: file.name)
                units.append(Unit(name, tuple(files), name in groups))
        units.sort(key=lambda unit: unit.order)
        return self._without_newest(units, skipped)

    def _group_of(self, folder: bytes) -> bytes:
        """The outermost group that a folder is, or is part of; ``b""`` if it is in none."""
        group = self._groups.get(folder)
        if group is None:
            parts = folder.split(b"/")
            above = (b"/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
            group = next((one for one in above if self._is_group(one)), b"")
            self._groups[folder] = group
        return group

    def _is_group(self, folder: bytes) -> bool:
        return folder in self._marked or bool(self._patterns.find(folder))

    def _without_newest(self, units: list[Unit], skipped: list[Skip]) -> Sorted:
        """The newest stay; those that are too young anyway are among them."""
        young = sum(skip.code in ("young", "recent", "future") for skip in skipped)
        keep = max(self._policy.keep_newest - young, 0)
        kept = units[max(len(units) - keep, 0) :]
        text = f"one of the {self._policy.keep_newest} newest (keep_newest)"
        skipped += [Skip(one.name, "newest", text, one.mtime_ns, one.allocated) for one in kept]
        skipped.sort(key=lambda skip: (skip.mtime_ns, skip.name))
        return Sorted(tuple(units[: len(units) - len(kept)]), tuple(skipped))

    def _why(self, thing: FileInfo | Problem, in_group: bool) -> Skip | None:
        """Why something stays; None if it can move."""
        if isinstance(thing, Problem):
            return Skip(thing.name, thing.code, thing.text)
        reason = self._by_name(thing.name) or self._by_kind(thing) or self._by_age(thing)
        if reason is None and not in_group and thing.size == 0:
            reason = ("empty", "an empty file frees nothing")
        if reason is None:
            return None
        return Skip(thing.name, *reason, thing.mtime_ns, thing.allocated)

    def _by_name(self, name: bytes) -> tuple[str, str] | None:
        if name in self._stay:
            return "stays", self._stay[name]
        if _is_below(name, self._copies):
            return "same", "the destination's copies lie here: choose another destination"
        if _is_below(name, self._kept):
            return "kept", "a .pynet-keep in its folder, or one above, keeps it"
        if name.rpartition(b"/")[0] in self._locked:
            return "locked", "a .lock in its folder says that it is being written"
        pattern = self._protect.find(name)
        return ("protected", f"protected by {pattern!r}") if pattern else None

    def _by_kind(self, info: FileInfo) -> tuple[str, str] | None:
        if info.kind != FILE:
            return "special", "it is no regular file"
        if info.links > 1:
            return "linked", f"it has {info.links} names, so removing this one frees nothing"
        return None

    def _by_age(self, info: FileInfo) -> tuple[str, str] | None:
        age_ns = self._now_ns - info.mtime_ns
        if age_ns < 0:
            return "future", "its date lies in the future, so how old it is cannot be told"
        if age_ns < self._policy.min_age * 1e9:
            return (
                "young",
                f"changed {age_ns / 1e9:.0f} s ago; min_age is {self._policy.min_age:g} s",
            )
        if age_ns < self._policy.keep_days * DAY * 1e9:
            return "recent", f"changed in the last {self._policy.keep_days:g} days (keep_days)"
        return None


def _is_below(name: bytes, folders: set[bytes]) -> bool:
    """Whether a name lies in one of these folders, however deep."""
    while folders and name:
        name = name.rpartition(b"/")[0]
        if name in folders:
            return True
    return False


def _blocked(name: bytes, files: list[FileInfo], skip: Skip) -> Skip:
    """A group stays as a whole."""
    inside = skip.name[len(name) + 1 :].decode("utf-8", "backslashreplace")
    return Skip(
        name,
        skip.code,
        f"it moves as a whole, and {inside} has to stay: {skip.text}",
        max([skip.mtime_ns, *(file.mtime_ns for file in files)]),
        sum(file.allocated for file in files),
    )
