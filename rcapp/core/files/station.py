"""Both sides of the Files tab and the car they belong to."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from rcapp.core.files import listing, words
from rcapp.core.files.desk import BackupDesk
from rcapp.core.files.engine import Entry, FilesEngine
from rcapp.core.files.folders import CarFolders, LocalFolders
from rcapp.core.files.jobs import JobView, Kind, Order
from rcapp.core.files.kept import KeptFiles, default_destination
from rcapp.core.files.pane import Pane
from rcapp.core.files.queue import TransferQueue
from rcapp.core.files.worker import Worker

logger = logging.getLogger("rcapp.files")


class FileStation:
    """What both panes show, the transfers between them, and the backup.

    Every method but :meth:`close` returns at once; any thread.

    Args:
        wake: called from its threads when something to be seen has changed; must be cheap.
        kept: folder of what is remembered of each car.

    Attributes:
        car, laptop: the two sides.
        queue: the transfers.
        desk: the backup.
    """

    def __init__(self, wake: Callable[[], None], kept: Path) -> None:
        self.car = Pane("rcapp-files-car", wake)
        self.laptop = Pane("rcapp-files-laptop", wake)
        self.queue = TransferQueue(wake)
        self.desk = BackupDesk(KeptFiles(kept), self.queue, wake)
        self._engine: FilesEngine | None = None
        self._begun = False
        self._unseen: tuple[FilesEngine | None, str | None] | None = None
        self._closer = Worker("rcapp-files-leave")

    @property
    def engine(self) -> FilesEngine | None:
        """Moves the files of the car that is connected."""
        return self._engine

    def use(self, car: FilesEngine | None) -> None:
        """This car is connected now, or none. The one before is let go of."""
        before, self._engine = self._engine, car
        if before is car:
            return
        self.queue.use(car)
        self.desk.use(car)
        again = car is not None and before is not None and car.car_id == before.car_id
        # A car whose files nobody looks at is not asked for them: it has to drive.
        self._unseen = car, self.car.view.folder if again else None
        if car is None:
            self._show_car()
        if before is not None:
            self._closer.ask("leave", before.close)

    def begin(self, folder: str = "") -> None:
        """Show the laptop's side, from this folder on."""
        self._begun = self._begun or bool(folder)
        self.laptop.use(LocalFolders(folder))

    def tend(self, now: float, *, seen: bool, reading: bool = False) -> None:
        """Look now and then what has changed.

        Args:
            now: local monotonic time.
            seen: the tab is on the screen.
            reading: the plan is being read, and must not change meanwhile.
        """
        self.desk.tend(now, seen=seen, plans=seen and not reading)
        if not seen:
            return
        if self._unseen is not None:
            self._show_car()
        if self.laptop.folders is None:
            self.begin()
        self.laptop.tend(now)

    def _show_car(self) -> None:
        (car, folder), self._unseen = self._unseen or (None, None), None
        self.car.use(None if car is None else CarFolders(car), folder or None)
        if car is not None and not self._begun:
            self.begin(default_destination())

    # Copying.

    def copy_to_laptop(
        self, entries: Sequence[Entry], into: str = "", *, folder: str | None = None
    ) -> int | None:
        """Copy files and folders of the car; returns the number of the job.

        Args:
            entries: what is to be copied.
            into: a folder of this laptop; the one that its pane shows when left out.
            folder: of the car, where the entries are; the one that its pane shows by default.
        """
        car, folders, here = self._engine, self.car.folders, self.laptop.view
        to = into or here.folder
        if car is None or folders is None or not entries or not to:
            return None
        source = self.car.view.folder if folder is None else folder
        names = [folders.join(source, entry.name) for entry in entries]
        return self._add(Kind.GET, names, entries, to, lambda engine: engine.get(names, to))

    def copy_to_car(
        self, paths: Sequence[str], entries: Sequence[Entry] = (), into: str = ""
    ) -> int | None:
        """Copy files and folders of this laptop; returns the number of the job.

        Args:
            paths: whole paths.
            entries: what is known of them.
            into: a folder of the car; the one that its pane shows when left out.
        """
        car, there = self._engine, self.car.view
        to = into or there.folder
        if car is None or not paths or not to:
            return None
        given = list(paths)
        return self._add(Kind.PUT, given, entries, to, lambda engine: engine.put(given, to))

    def copy_from_laptop(self, entries: Sequence[Entry], into: str = "") -> int | None:
        """Copy what was chosen in the laptop's folder to the car."""
        folders, folder = self.laptop.folders, self.laptop.view.folder
        if folders is None:
            return None
        return self.copy_to_car([folders.join(folder, e.name) for e in entries], entries, into)

    def _add(
        self,
        kind: Kind,
        names: Sequence[str],
        entries: Sequence[Entry],
        to: str,
        begin: Callable[[FilesEngine], object],
    ) -> int | None:
        car = self._engine
        if car is None:
            return None
        files, size = listing.selected_files(entries), listing.selected_bytes(entries)
        known = bool(entries)
        return self.queue.add(
            Order(
                kind,
                words.title([name.replace("\\", "/") for name in names]),
                begin,  # type: ignore[arg-type]
                car.car_id,
                car.car_name,
                files if known and files is not None else -1,
                size if known and size is not None else -1,
                to,
            )
        )

    def take_news(self) -> list[JobView]:
        """Jobs that have ended since this was asked last; what they changed is read anew."""
        news = self.queue.take_news()
        for job in news:
            self.desk.ended(job)
        if any(job.order.kind in (Kind.PUT, Kind.MOVE, Kind.RESTORE) for job in news):
            self.car.refresh()
        if any(job.order.kind in (Kind.GET, Kind.MOVE) for job in news):
            self.laptop.refresh()
        return news

    def close(self) -> None:
        """End what runs and join every thread. Twice is fine."""
        car, self._engine = self._engine, None
        self.queue.close()
        if car is not None:
            car.close()
        self.desk.close()
        self.car.close()
        self.laptop.close()
        self._closer.close()

    def __enter__(self) -> FileStation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
