"""Files over HTTP, with ranges and lasting connections.

``serve HOST PORT FOLDER`` gives what is in a folder, until it is killed. ``fetch BASE LIST
TARGET`` takes what a list for aria2 names, one file after the other, with Python's own client.
"""

from __future__ import annotations

import http.client
import os
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

BUFFER = 1 << 20


class Files(BaseHTTPRequestHandler):
    """Answers with a file, or with a range of one."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    folder = Path()

    def do_HEAD(self) -> None:
        """Tell how large it is."""
        self._answer(content=False)

    def do_GET(self) -> None:
        """Send it."""
        self._answer(content=True)

    def _answer(self, *, content: bool) -> None:
        path = self.folder / unquote(urlsplit(self.path).path).lstrip("/")
        try:
            file = path.open("rb", buffering=0)
        except OSError:
            self.send_error(404)
            return
        with file:
            size = os.fstat(file.fileno()).st_size
            wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            begin = int(wanted[1]) if wanted else 0
            end = int(wanted[2]) + 1 if wanted and wanted[2] else size
            self.send_response(206 if wanted else 200)
            if wanted:
                self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{size}")
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(end - begin))
            self.end_headers()
            while content and begin < end:
                begin += os.sendfile(self.connection.fileno(), file.fileno(), begin, end - begin)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Many clients at once."""

    request_queue_size = 64
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that goes is no error."""


def fetch(base: str, wanted: str, target: str) -> None:
    """Take files one after the other over one connection."""
    address = urlsplit(base)
    connection = http.client.HTTPConnection(address.netloc)
    buffer = memoryview(bytearray(BUFFER))
    for line in Path(wanted).read_text().splitlines()[::2]:
        connection.request("GET", urlsplit(line).path)
        response = connection.getresponse()
        if response.status != 200:
            sys.exit(f"{response.status} for {line}")
        path = Path(target) / unquote(line.removeprefix(f"{base}/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb", buffering=0) as file:
            while count := response.readinto(buffer):
                file.write(buffer[:count])


def main() -> None:
    """Give or take."""
    word, *rest = sys.argv[1:]
    if word == "fetch":
        fetch(*rest)
        return
    host, port, folder = rest
    Files.folder = Path(folder)
    with Server((host, int(port)), Files) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
