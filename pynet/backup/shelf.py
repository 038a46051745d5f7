"""One connection to a store, over fsspec: what its many kinds have in common, and where not."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pynet.backup.address import Address
from pynet.errors import Cancelled, ConfigurationError
from pynet.files.hashing import LEAF

REMEDY = "pip install 'pynet-rc[store]'"

OBJECTS = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "oci", "r2", "tos")
"""Protocols of stores where a file is there whole or not at all, and folders are only names."""

TEMPORARY = ".pynet-incoming"
"""The folder of a store where files wait until they are whole, where they can be half there."""

_AHEAD = 8 * LEAF  # bytes that are asked for at a time when a large file is read back

CheckOn = Callable[[], None]
"""Raises Cancelled if nobody wants it any more."""


def open_filesystem(address: Address) -> tuple[Any, str]:
    """Connect; return fsspec's object, and the path of the store in it.

    Raises:
        ConfigurationError: a library is missing, or there is no such kind of store.
        Exception: of all kinds: it cannot be reached.
    """
    try:
        import fsspec
        from fsspec.core import url_to_fs
    except ImportError:
        raise ConfigurationError(f"a store needs fsspec, which is not here: {REMEDY}") from None
    try:
        fsspec.get_filesystem_class(address.protocol)
    except ImportError as error:
        reason = str(error).rstrip(".")
        raise ConfigurationError(
            f"{address.text}: {reason}. fsspec needs a library for {address.protocol}"
        ) from None
    except ValueError:
        raise ConfigurationError(
            f"{address.text}: fsspec knows no stores of the kind {address.protocol}"
        ) from None
    filesystem, path = url_to_fs(address.url, skip_instance_cache=True)
    return filesystem, str(path).rstrip("/")


class Shelf:
    """Reads and writes files of a store. One thread at a time.

    Keys are names below the store's address, with ``/`` between their parts.

    Args:
        address: of the store.
        filesystem, top: as :func:`open_filesystem` gives them.
        owner: what names of unfinished files begin with: whose they are.
        naming: held while a file gets its name, where that takes a look and a step.
        check_on: called now and then.

    Attributes:
        exclusive: a file gets its name in one step that replaces nothing.
    """

    def __init__(
        self,
        address: Address,
        filesystem: Any,
        top: str,
        owner: str,
        naming: threading.Lock,
        check_on: CheckOn,
    ) -> None:
        self._fs = filesystem
        self._top = top
        self._owner = owner
        self._naming = naming
        self._check_on = check_on
        self._sftp: Any = getattr(filesystem, "ftp", None)  # paramiko's
        self.is_object = address.protocol in OBJECTS
        self.exclusive = self.is_object or self._sftp is not None

    def path(self, key: str) -> str:
        """Where the store has it."""
        return f"{self._top}/{key}"

    # ---- looking ------------------------------------------------------------------------

    def size(self, key: str) -> int | None:
        """Bytes of a file; -1 for what is no file; None if there is nothing."""
        self._fs.invalidate_cache()
        try:
            info = self._fs.info(self.path(key))
        except FileNotFoundError:
            return None
        return int(info["size"]) if info["type"] == "file" else -1

    def read(self, key: str, size: int) -> Iterator[bytes]:
        """The content, leaf by leaf, as the store gives it back; it may be less or more."""
        path = self.path(key)
        self._fs.invalidate_cache()
        if size <= LEAF and self._sftp is None:
            yield self._fs.cat_file(path)
            return
        with self._open(path) as file:
            at = 0
            while at < size:
                self._check_on()
                if self._sftp is not None and at % _AHEAD == 0:
                    file.prefetch(min(size, at + _AHEAD))  # else each 32 KiB would be waited for
                data = _read_full(file, min(LEAF, size - at))
                if not data:
                    return
                at += len(data)
                yield data
            more = file.read(1)
            if more or not size:
                yield more

    def _open(self, path: str) -> Any:
        if self._sftp is None:
            return self._fs.open(path, "rb", block_size=_AHEAD, cache_type="readahead")
        return self._fs.open(path, "rb")

    # ---- writing ------------------------------------------------------------------------

    def put_new(self, source: Path, key: str) -> None:
        """Write a file under a name that nothing has.

        Raises:
            FileExistsError: something has it by now.
        """
        if self.is_object:
            self._put_object(source, key)
            return
        draft = f"{TEMPORARY}/{self._owner}-{secrets.token_hex(8)}"
        try:
            self._write(source, draft)
            self._name(draft, key)
        except BaseException:
            with contextlib.suppress(Exception):  # who comes next removes it
                self.remove(draft)
            raise

    def _put_object(self, source: Path, key: str) -> None:
        more: dict[str, Any] = {"callback": _callback(self._check_on)}
        try:
            self._fs.put_file(os.fspath(source), self.path(key), mode="create", **more)
        except Cancelled:
            raise
        except Exception as error:
            if self.size(key) is not None:
                raise FileExistsError(str(error)) from error
            if not _is_unknown(error):
                raise
            # Not all servers can refuse what is there; it was looked for a moment ago.
            self._fs.put_file(os.fspath(source), self.path(key), **more)

    def _write(self, source: Path, key: str) -> None:
        with source.open("rb") as file, self._fs.open(self.path(key), "wb") as there:
            if self._sftp is not None:
                there.set_pipelined(True)
            while data := file.read(LEAF):
                self._check_on()
                there.write(data)

    def _name(self, draft: str, key: str) -> None:
        old, new = self.path(draft), self.path(key)
        if self._sftp is not None:
            try:
                self._sftp.rename(old, new)  # as the protocol has it: never over another
            except OSError as error:
                if self.size(key) is not None:
                    raise FileExistsError(str(error)) from error
                raise
            return
        with self._naming:
            if self.size(key) is not None:
                raise FileExistsError(key)
            if type(self._fs).mv is not _base().mv:
                self._fs.mv(old, new)
            else:
                self._fs.cp_file(old, new)
                self._fs.rm_file(old)

    def make_folder(self, key: str) -> None:
        """Make a folder and those above it, where a store has such."""
        if not self.is_object:
            self._fs.makedirs(self.path(key) if key else self._top, exist_ok=True)

    def write_text(self, key: str, text: str) -> None:
        """Write a small file, over another one."""
        self._fs.pipe_file(self.path(key), text.encode())

    def remove(self, key: str) -> None:
        """Remove a file."""
        self._fs.rm_file(self.path(key))

    def sweep(self) -> None:
        """Remove what runs of this owner that were killed have left unfinished."""
        if self.is_object:
            return
        folder = self.path(TEMPORARY)
        with contextlib.suppress(FileNotFoundError):
            for path in self._fs.ls(folder, detail=False):
                if path.rpartition("/")[2].startswith(f"{self._owner}-"):
                    self._fs.rm_file(path)

    def tidy(self) -> None:
        """Remove the folder of unfinished files, if nobody needs it."""
        if not self.is_object:
            with contextlib.suppress(Exception):
                self._fs.rmdir(self.path(TEMPORARY))

    def close(self) -> None:
        """Let the connection go."""
        client = getattr(self._fs, "client", None)
        session = getattr(self._fs, "_s3", None)
        with contextlib.suppress(Exception):
            if self._sftp is not None and client is not None:
                self._sftp.close()
                client.close()
            elif session is not None:
                self._fs.close_session(self._fs.loop, session)


def _read_full(file: Any, size: int) -> bytes:
    data: bytes = file.read(size)
    while 0 < len(data) < size and (more := file.read(size - len(data))):
        data += more
    return data


def _is_unknown(error: Exception) -> bool:
    text = str(error).lower()
    return isinstance(error, (NotImplementedError, TypeError)) or "not implemented" in text


def _callback(check_on: CheckOn) -> Any:
    from fsspec.callbacks import Callback

    class Look(Callback):  # type: ignore[misc]
        def relative_update(self, inc: int = 1) -> None:
            check_on()

    return Look()


def _base() -> Any:
    from fsspec import AbstractFileSystem

    return AbstractFileSystem
