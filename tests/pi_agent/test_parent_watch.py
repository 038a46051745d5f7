from __future__ import annotations

import subprocess
import sys
import threading

from pi_agent.parent import ParentWatch


def test_it_tells_when_the_process_ends_even_if_nobody_reaped_it() -> None:
    gone = threading.Event()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    watch = ParentWatch(child.pid, gone.set)
    watch.start()
    assert not gone.is_set()
    child.kill()
    assert gone.wait(10)
    watch.close()
    child.communicate()


def test_a_process_that_never_was_counts_as_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    gone = threading.Event()
    watch = ParentWatch(child.pid, gone.set)
    watch.start()
    assert gone.wait(10)
    watch.close()


def test_closing_ends_the_thread_while_the_process_lives() -> None:
    gone = threading.Event()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    watch = ParentWatch(child.pid, gone.set)
    watch.start()
    watch.close()
    watch.close()
    assert not gone.is_set()
    child.communicate(b"\n")
