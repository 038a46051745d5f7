from __future__ import annotations

import logging
import threading

import pytest

from rcapp.core.files.worker import Worker


def test_the_newest_of_each_kind_is_done() -> None:
    done: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        go_on.wait()

    with Worker("rcapp-test") as worker:
        worker.ask("first", first)
        begun.wait()
        for number in range(5):
            worker.ask("a", lambda number=number: done.append(f"a{number}"))  # type: ignore[misc]
        over = threading.Event()
        worker.ask("b", over.set)
        assert worker.wanted_elsewhere
        go_on.set()
        assert over.wait(10)
    assert done == ["a4"]


def test_what_must_be_done_is_done_at_the_end() -> None:
    done: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        go_on.wait()

    worker = Worker("rcapp-test")
    worker.ask("first", first)
    begun.wait()
    worker.ask("look", lambda: done.append("look"))
    worker.ask("save", lambda: done.append("save"), last=True)
    closer = threading.Thread(target=worker.close)
    closer.start()
    go_on.set()
    closer.join()
    assert "save" in done
    worker.ask("late", lambda: done.append("late"))
    worker.close()
    assert "late" not in done


def test_a_task_that_fails_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    over = threading.Event()

    def wrong() -> None:
        raise ValueError("a mistake")

    with caplog.at_level(logging.ERROR), Worker("rcapp-test") as worker:
        worker.ask("wrong", wrong)
        worker.ask("right", over.set)
        assert over.wait(10)
    assert "a mistake" in caplog.text
