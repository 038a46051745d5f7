"""The conditional backup as a program uses it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from pynet.backup.address import read_address
from pynet.backup.forecast import Forecast
from pynet.backup.history import read_history
from pynet.backup.place import Place
from pynet.backup.plan import Plan
from pynet.backup.planning import ask_for_plan
from pynet.backup.policy import Policy
from pynet.backup.report import BackupReport, Order
from pynet.backup.returning import begin_restore, find_entries
from pynet.backup.run import BackupRun
from pynet.backup.service import ALGORITHM
from pynet.backup.state import LOOKS
from pynet.backup.stores import Stores
from pynet.errors import FilesError, PynetError
from pynet.files.client import PATIENCE, check_lanes
from pynet.files.info import Usage, shown
from pynet.files.ledger import Job
from pynet.files.progress import Report
from pynet.files.transfer import OnProgress, Transfer
from pynet.remote import RemoteGateway

LOOK = 30.0
"""Seconds between two looks at how full the disk is."""

BACK_OFF = 20
"""So many times longer it is at most between two, while a full disk has nothing that may move."""


@dataclass(frozen=True, slots=True)
class Status:
    """How a root is.

    Attributes:
        usage: of the disk that it is on.
        destination: of the disk that it is moved to.
        draining: it is being emptied, or waits to be.
        agreed: a person has seen a plan and lets files be moved.
        seconds: until the high mark is reached at the rate of late; None if that cannot be said.
    """

    usage: Usage
    destination: Usage
    draining: bool
    agreed: bool
    seconds: float | None


class Backup:
    """Moves the oldest files of a root here when the disk there is too full. Any thread.

    Files go to ``destination/device/share/...``. Each is removed there only when it is here
    completely, durably, under its final name, and was read back from this disk.

    With a store they go on to ``store/device/share/...`` from there, and only what they are stays
    in the destination: the ledger knows where each is. It is removed on the device only when the
    store has given it back in full.

    Args:
        car: the Gateway; this machine must be allowed to change the root.
        root: a share of it, with ``write=True``.
        destination: folder of this machine, made if it is missing.
        policy: when and what.
        lanes: pairs to use; by default as many as gain something.
        patience: seconds without a way to the Gateway after which a run fails.
        own_process: move files in a process of its own.
        store: anything that fsspec can write, as ``"s3://bucket/folder"``; docs/backup.md tells
            where its keys belong.

    Raises:
        ConfigurationError: there cannot be so many lanes, or no such store.
    """

    def __init__(
        self,
        car: RemoteGateway,
        root: str,
        destination: str | os.PathLike[str],
        policy: Policy | None = None,
        *,
        lanes: int | None = None,
        patience: float = PATIENCE,
        own_process: bool = True,
        store: str | None = None,
    ) -> None:
        check_lanes(lanes)
        self._store = None if store is None else read_address(store).text
        self.policy = policy or Policy()
        self.root = root
        machine = "" if car.peer is None else car.peer.id
        self.place = Place(destination, car.name, root, machine)
        self._car = car
        self._own_process = own_process
        self._order = Order(
            root,
            str(self.place.path),
            car.name,
            machine,
            self.policy.to_dict(),
            lanes,
            patience,
            at_once=True,
            store=store,
        )
        self._forecast = Forecast()

    # ---- looking ------------------------------------------------------------------------

    def plan(self, *, below: bool = False) -> Plan:
        """What would move now, what stays and why; moves nothing.

        Args:
            below: even if the disk is not as full as the high mark.

        Raises:
            NotShared: there is no such root.
            FilesError: the store cannot be used.
        """
        draining = below or self.place.state().draining
        with (
            self.place.tree() as tree,
            Stores(self._order.store, ALGORITHM, self.place.path) as stores,
        ):
            return ask_for_plan(
                self._car.files.remote, self.root, self.policy, self.place, tree,
                draining=draining, stores=stores,
            )  # fmt: skip

    @property
    def where(self) -> str:
        """Where the files go, for people."""
        if self._store is None:
            return str(self.place.path / shown(self.place.base))
        return f"{self._store}/{shown(self.place.base)}"

    def status(self) -> Status:
        """How full both disks are, and what is to be expected."""
        usage = self._car.files.usage(self.root)
        self._forecast.add(time.monotonic(), usage)
        state = self.place.state()
        with self.place.tree() as tree:
            return Status(
                usage,
                tree.usage(),
                state.draining,
                state.previewed,
                self._forecast.seconds_until(self.policy.high),
            )

    def history(self) -> list[Job]:
        """What was moved here from any device, newest job first."""
        return read_history(self.place)

    # ---- moving -------------------------------------------------------------------------

    def agree(self) -> None:
        """A person has seen a plan and lets files be moved from now on.

        Raises:
            FilesError: the destination does not keep it.
        """
        self.place.tree().close()
        self.place.state().agree()

    def run(
        self, *, below: bool = False, callback: OnProgress | None = None
    ) -> Transfer[BackupReport]:
        """Begin to move files until the disk is as empty as the low mark.

        Nothing happens if it is not as full as the high mark.

        Args:
            below: even then, as long as it is fuller than the low mark.
            callback: called with each Progress, on a thread of the run's.

        Raises:
            FilesError: nobody has agreed yet; see :meth:`agree`.
        """
        if not self.place.state().previewed:
            raise FilesError(
                f"nothing was moved: nobody has agreed yet that files of {self.root} may be. Look "
                "at plan() first, then call agree()"
            )
        return self._begin(replace(self._order, below=below), callback)

    def watch(
        self,
        interval: float = LOOK,
        *,
        stop: threading.Event | None = None,
        on_status: Callable[[Status], object] | None = None,
    ) -> Iterator[BackupReport | PynetError]:
        """Look every so many seconds, and run when it is time; yields what came of each run.

        What cannot be done now, because the device is away or a disk is full, is yielded as an
        error and tried again at the next look.

        Args:
            interval: seconds between two looks.
            stop: set by another thread to end it.
            on_status: called after each look.
        """
        stop = stop or threading.Event()
        looks, pause = 0, interval
        while not stop.is_set():
            try:
                status = self.status()
                if on_status is not None:
                    on_status(status)
                looks = looks + 1 if status.usage.share >= self.policy.high else 0
                if status.agreed and self._is_time(status, looks):
                    with self._begin(self._order, None) as transfer:
                        while not transfer.progress.over:
                            if stop.wait(0.1):
                                return
                        report = transfer.wait()
                    # Where nothing may move, looking through all files again soon is no use.
                    pause = interval if report.files else min(2 * pause, BACK_OFF * interval)
                    yield report
                else:
                    pause = interval
            except PynetError as error:
                yield error
            stop.wait(pause)

    def _is_time(self, status: Status, looks: int) -> bool:
        return status.draining or looks >= LOOKS or status.usage.share > self.policy.urgent

    def _begin(self, order: Order, callback: OnProgress | None) -> Transfer[BackupReport]:
        transfer: Transfer[BackupReport] = Transfer(self.root, callback)
        files = self._car.files
        if self._own_process:
            return files.relay("backup", (order,), transfer)
        engine = files.engine
        engine.run(BackupRun(transfer, engine.remote, engine.lanes, order, engine.over))
        files.governor.watch(transfer)
        return transfer

    # ---- back ---------------------------------------------------------------------------

    def restore(self, what: str, *, callback: OnProgress | None = None) -> Transfer[Report]:
        """Begin to put files back to where they were; the copies here stay.

        Each copy is compared with the digest in the ledger first. If something else has its name
        there by now, that stays too, and what is put back is called ``name (2)``. A backup leaves
        what was put back where it is for a week.

        Args:
            what: id of a job in the history, or its begin; or the name of a file or a folder as it
                was there, in whichever job it moved last; or both: ``job/name``.
            callback: called with each Progress.

        Raises:
            FilesError: nothing of that name was moved.
        """
        entries = find_entries(self._order, what)
        transfer: Transfer[Report] = Transfer(what, callback)
        if self._own_process:
            return self._car.files.relay("restore", (self._order, what), transfer)
        begin_restore(self._car.files.engine, transfer, self._order, entries)
        self._car.files.governor.watch(transfer)
        return transfer
