"""A process with everything imported, which makes others of itself: a start costs milliseconds.

It reads one order a line, ``["start", {...}]`` or ``["wait", process id]``, and answers each with
a number: the process id, or how it ended as :func:`os.waitstatus_to_exitcode` says.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[4]
_PR_SET_PDEATHSIG = 1


class Zygote:
    """The process, as the tests have it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.pynet.backup.failures.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def start(self, what: str, order: dict[str, Any], environ: dict[str, str], log: Path) -> Child:
        """One more process: a function of :mod:`ends`, with its order."""
        return Child(
            self, self._ask("start", {"what": what, "order": order, "environ": environ,
                                      "log": str(log)}), log)  # fmt: skip

    def _ask(self, word: str, value: Any) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([word, value]) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def wait(self, pid: int) -> int:
        return self._ask("wait", pid)

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)


class Child:
    """A process that was started so."""

    def __init__(self, zygote: Zygote, pid: int, log: Path) -> None:
        self.pid = pid
        self.log = log
        self.code: int | None = None
        self._zygote = zygote
        self._fd = os.pidfd_open(pid)

    def wait(self, timeout: float = 30.0) -> int:
        """How it ended: 0, 1 with a traceback in its log, or minus a signal."""
        if self.code is None:
            ended, _, _ = select.select([self._fd], [], [], timeout)
            assert ended, f"process {self.pid} does not end:\n{self.log.read_text()}"
            self.code = self._zygote.wait(self.pid)
            os.close(self._fd)
        return self.code

    @property
    def alive(self) -> bool:
        return self.code is None and not select.select([self._fd], [], [], 0)[0]

    def signal(self, number: int) -> None:
        if self.code is None:
            signal.pidfd_send_signal(self._fd, number)

    def end(self) -> int:
        """Without a word, if it has not ended yet."""
        if self.alive:
            self.signal(signal.SIGKILL)
        return self.wait()


def main() -> None:
    """Be that process."""
    from tests.pynet.backup.failures import ends

    for line in sys.stdin:
        word, value = json.loads(line)
        if word == "wait":
            answer = os.waitstatus_to_exitcode(os.waitpid(value, 0)[1])
        else:
            answer = os.fork()
            if not answer:
                run(getattr(ends, value["what"]), value)
        print(answer, flush=True)  # noqa: T201


def run(function: Any, value: dict[str, Any]) -> None:
    """In the new process."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    code = 1
    try:
        log = os.open(value["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for old, new in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(old, new)
        os.environ.update(value["environ"])
        function(value["order"])
        code = 0
    except SystemExit:
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
