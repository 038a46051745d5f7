"""What two processes say to each other."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator

import pytest

from pynet.errors import EncodeError
from pynet.files.channel import PASSES_SOCKETS, SOCKET, Channel
from pynet.files.info import Usage

Ends = tuple[Channel, Channel]


@pytest.fixture
def ends() -> Iterator[Ends]:
    a, b = map(Channel, socket.socketpair())
    yield a, b
    a.close()
    b.close()


def received(channel: Channel) -> object:
    message = channel.receive()
    assert message is not None
    assert message.sock is None
    return message.value


def test_values_arrive_in_their_order(ends: Ends) -> None:
    here, there = ends
    values = [None, 1, [b"bytes", "text"], {"usage": Usage(1, 2)}, b"x" * 5000]
    for value in values:
        here.send(value)
    assert [received(there) for _ in values] == values
    with pytest.raises(EncodeError):
        here.send(object())
    here.send("after")
    assert received(there) == "after"


def test_large_ones_wait_for_the_reader(ends: Ends) -> None:
    here, there = ends
    values = [[number, bytes(1_000_000)] for number in range(5)]
    thread = threading.Thread(target=lambda: [here.send(value) for value in values])
    thread.start()
    assert [received(there) for _ in values] == values
    thread.join()


def test_an_offer_never_waits(ends: Ends) -> None:
    here, there = ends
    count = 0
    while here.offer(count):
        count += 1
    assert count > 10
    assert [received(there) for _ in range(count)] == list(range(count))
    assert here.offer("again")
    assert received(there) == "again"


def test_what_does_not_fit_whole_ends_the_channel(ends: Ends) -> None:
    here, there = ends
    assert not here.offer(bytes(20_000_000))
    assert there.receive() is None


def test_both_see_the_end(ends: Ends) -> None:
    here, there = ends
    here.send(1)
    here.finish()
    there.send("still")
    assert received(there) == 1
    assert there.receive() is None
    assert received(here) == "still"
    there.hang_up()
    there.hang_up()
    assert here.receive() is None
    assert not here.offer(2)
    with pytest.raises(OSError, match="pipe"):
        here.send(2)


@pytest.mark.skipif(not PASSES_SOCKETS, reason="this system cannot hand over sockets")
def test_sockets_come_with_their_messages(ends: Ends) -> None:
    here, there = ends
    far = []
    for number in range(10):
        ours, theirs = socket.socketpair()
        far.append(ours)
        here.send(["before", number])
        with theirs:
            assert here.offer([SOCKET, number], theirs)
        here.send(["after", number])
    for number in range(10):
        assert received(there) == ["before", number]
        message = there.receive()
        assert message is not None
        assert message.value == [SOCKET, number]
        assert message.sock is not None
        assert not os.get_inheritable(message.sock.fileno())
        with message.sock, far[number]:
            message.sock.send(b"%d" % number)
            assert far[number].recv(10) == b"%d" % number
        assert received(there) == ["after", number]


@pytest.mark.skipif(not PASSES_SOCKETS, reason="this system cannot hand over sockets")
def test_sockets_that_nobody_took_are_closed(ends: Ends) -> None:
    here, there = ends
    near, far = socket.socketpair()
    with far:
        here.send(1)
        with near:
            assert here.offer([SOCKET], near)
        assert received(there) == 1
        there.close()
        assert far.recv(1) == b""
