"""A session against a small car behind a real Gateway, over real sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

import pynet
from pynet.rc.messages import (
    DriveCommand,
    Lease,
    Refusal,
)
from pynet.testing import CuttableLink
from rcapp.core import feeds, orders
from rcapp.core import session as sessions
from rcapp.core.session import Link, Snapshot
from rcapp.core.wheel import Holder
from tests.rcapp.core.small_car import PATIENCE, SmallCar, Watched, drive_off, is_live


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


@pytest.fixture
def car(stack: ExitStack) -> SmallCar:
    made = SmallCar()
    stack.callback(made.close)
    return made


@pytest.fixture
def session(stack: ExitStack) -> Watched:
    return stack.enter_context(Watched())


def test_nothing_asked_is_idle(session: Watched) -> None:
    assert session.snapshot() == Snapshot()
    assert session.take_frame() is None
    assert session.series == {}
    session.stop("no car")
    session.seat.ask_for_wheel()
    session.seat.arm()
    session.seat.disarm()
    session.seat.let_go_of_wheel()
    session.seat.answer_request(True)
    session.seat.force_wheel("no car")
    session.disconnect()
    assert session.snapshot().ordering == ""
    assert not session.snapshot().stop_pressed


def test_pictures_sensors_and_status_arrive(car: SmallCar, session: Watched) -> None:
    session.connect(car.address)
    assert session.snapshot().link is Link.CONNECTING
    session.until(lambda now: now.frames_painted >= 3)
    frames = session.seen
    assert frames[0].image.shape == (48, 64, 4)
    assert frames[0].image[20, 20, 2] > 240
    assert (frames[0].width, frames[0].height) == (64, 48)
    assert frames[0].seq < frames[1].seq < frames[2].seq
    assert frames[0].captured < frames[1].captured
    snapshot = session.until(
        lambda now: now.status and session.series["distance"].count > 5 and is_live(now)
    )
    assert snapshot.car == car.description
    assert snapshot.frames_painted >= 3
    assert snapshot.frame_age is not None
    assert 0 <= snapshot.frame_age < PATIENCE
    assert snapshot.picture_age is not None
    assert snapshot.picture_age >= 0
    assert snapshot.error == ""
    assert set(session.series) == {"distance", "command_age"}
    assert session.series["distance"].last == (1.0, 2.0)
    assert len(session.frame_ages()) == snapshot.frames_painted
    assert "Small car is connected" in session.texts()


def test_an_old_picture_is_never_live(car: SmallCar, session: Watched) -> None:
    session.connect(car.address)
    session.until(is_live)
    now = time.monotonic()
    assert session.snapshot(now + 0.6).link in (Link.STALE, Link.LOST)
    assert session.snapshot(now + 2.6).link is Link.LOST
    car.camera_on.clear()
    stale = session.until(lambda seen: seen.link is Link.STALE)
    assert stale.picture_age is None or stale.picture_age > 0.4
    car.camera_on.set()
    session.until(is_live)


def test_a_car_without_a_camera_is_live_by_its_status(stack: ExitStack, session: Watched) -> None:
    car = SmallCar(camera=False)
    stack.callback(car.close)
    session.connect(car.address)
    session.until(is_live)


def test_driving(car: SmallCar, session: Watched) -> None:
    session.connect(car.address)
    session.until(is_live)
    assert session.snapshot().role == "owner", "a machine knows itself"
    drive_off(session)
    driven = session.until(
        lambda now: now.commands_accepted > 5 and now.command_age is not None and now.throttle > 0,
        tick=True,
    )
    assert driven.sending
    assert driven.input_source == "keyboard"
    assert driven.command_age is not None
    assert 0 <= driven.command_age < PATIENCE
    session.until(lambda now: now.round_trip is not None, tick=True)
    assert session.series["command_age"].count
    assert session.snapshot().commands_sent >= driven.commands_accepted
    seqs = [command.seq for command in car.commands]
    assert seqs == sorted(set(seqs))
    throttles = [command.throttle for command in car.commands]
    assert throttles == sorted(throttles)
    assert {command.epoch for command in car.commands} == {car.lease.epoch}
    assert all(0 <= command.input_age < 0.2 for command in car.commands)
    assert "You drive" in session.texts()
    assert "Armed by you" in session.texts()


def test_nothing_is_sent_to_a_car_that_somebody_else_drives(
    car: SmallCar, session: Watched
) -> None:
    car.lease = Lease(4, "Anna", "her-session")
    session.connect(car.address)
    session.drive.set_keyboard_active(True)
    session.drive.keyboard.press("up")
    watching = session.until(lambda now: now.wheel.holder is Holder.OTHER, tick=True)
    assert watching.wheel.driver == "Anna"
    assert session.snapshot().drive_lanes == 0
    session.seat.ask_for_wheel()
    session.until(lambda now: now.wheel.asking, tick=True)
    assert "Anna was asked." in session.texts()
    with car.lock:
        car.lease = Lease(4, "Anna", "her-session")
    kept = session.until(lambda now: now.reply, tick=True)
    assert kept.reply == "Anna keeps the wheel."
    assert not kept.wheel.asking
    assert car.commands == []
    assert not kept.sending
    session.seat.force_wheel("  ")
    session.seat.force_wheel("it leaves the yard")
    session.until(lambda now: now.wheel.yours, tick=True)
    assert car.forced == ["it leaves the yard"]


def test_letting_go_of_the_wheel(car: SmallCar, session: Watched) -> None:
    session.connect(car.address)
    drive_off(session)
    session.until(lambda now: now.commands_accepted > 3, tick=True)
    session.seat.let_go_of_wheel()
    assert session.drive.epoch == 0, "at once, whatever the link does"
    session.until(lambda now: now.wheel.holder is Holder.NOBODY, tick=True)
    sent = session.snapshot().commands_sent
    session.until(lambda now: "Nobody drives" in session.texts(), tick=True)
    assert session.snapshot().commands_sent == sent


def test_why_it_is_not_armed(car: SmallCar, session: Watched) -> None:
    car.refusals = (Refusal(8, "The battery is low.", "Charge it."),)
    session.connect(car.address)
    session.drive.set_keyboard_active(True)
    session.until(is_live, tick=True)
    session.seat.ask_for_wheel()
    session.until(lambda now: now.wheel.yours, tick=True)
    session.seat.arm()
    refused = session.until(lambda now: now.reply, tick=True)
    assert refused.reply == "Not armed: 8 The battery is low."
    assert refused.status is not None
    assert refused.status.refusals == car.refusals
    car.refusals = ()
    session.drive.keyboard.press("up")
    session.until(lambda _: session.drive.throttle_held, tick=True)
    session.seat.arm()
    assert "you hold the throttle" in session.snapshot().reply
    assert not car.armed
    car.broken["arm"] = RuntimeError("the relay sticks")
    session.drive.keyboard.release("up")
    session.until(lambda _: not session.drive.throttle_held, tick=True)
    session.seat.arm()
    session.until(lambda now: "The relay sticks." in now.reply, tick=True)


def test_stop_and_arming_again(car: SmallCar, session: Watched) -> None:
    session.connect(car.address)
    drive_off(session)
    session.until(lambda now: now.commands_accepted > 5, tick=True)
    session.stop("Esc")
    stopped = session.until(lambda now: now.stop_reason and now.stop_took is not None, tick=True)
    assert stopped.stopped
    assert not stopped.stop_pressed
    assert stopped.stop_why == "Esc"
    assert stopped.stop_took is not None
    assert stopped.stop_took >= 0
    assert (stopped.steer, stopped.throttle) == (0.0, 0.0)
    session.drive.keyboard.release("up")
    session.until(lambda _: not session.drive.throttle_held, tick=True)
    session.seat.arm()
    session.until(lambda now: not now.stopped and now.armed, tick=True)
    texts = session.texts()
    assert "STOP pressed: Esc" in texts
    assert any(text.startswith("STOPPED: ") for text in texts)
    assert any(text.startswith("The car acknowledged STOP after") for text in texts)
    with car.lock:
        car.stopped, car.armed = "Anna pressed STOP.", False
    others = session.until(lambda now: now.stopped, tick=True)
    assert others.stop_took is None, "this one is not ours"
    assert others.stop_why == ""


def test_a_status_that_does_not_know_of_the_stop_yet_does_not_end_it(
    car: SmallCar, session: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "CLOCK_DOUBT", PATIENCE)
    session.connect(car.address)
    session.until(is_live)
    car.tells_of_stop = False
    session.stop("Esc")
    session.until(lambda now: now.stop_took is not None)
    heard = time.monotonic()
    late = session.until(lambda now: now.status is not None and now.status.time > heard)
    assert late.status is not None
    assert late.status.stage == "disarmed"
    assert late.stopped
    assert late.stop_took is not None
    car.tells_of_stop = True
    told = session.until(lambda now: now.stop_reason)
    assert told.stop_took is not None
    assert told.stop_why == "Esc"


def test_a_car_that_encrypts_is_not_driven_in_the_clear(car: SmallCar, session: Watched) -> None:
    session.connect(car.address, insecure=True)
    told = session.until(lambda now: now.error)
    assert "wants an encrypted connection" in told.error
    assert "--insecure" in told.error


def test_stop_does_not_wait_for_an_order_that_gets_no_answer(
    car: SmallCar, session: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "TIMEOUT", PATIENCE)
    session.connect(car.address)
    session.until(is_live)
    car.answers.clear()
    try:
        session.seat.ask_for_wheel()
        session.until(lambda now: car.wheel_wanted.is_set())
        session.stop("Esc")
        session.until(lambda now: now.stopped and now.stop_took is not None)
        assert session.seat.ordering == "lease_request", "which still waits for its answer"
    finally:
        car.answers.set()


def test_stop_at_a_car_that_has_no_place_left(stack: ExitStack, session: Watched) -> None:
    full = SmallCar(pool_size=1, camera=False)
    stack.callback(full.close)
    session.connect(full.address)
    session.until(lambda now: now.car is not None)
    session.stop("Esc")
    session.until(lambda now: now.stop_took is not None)
    assert full.stopped


def test_a_refused_stop_is_tried_again_and_said(car: SmallCar, session: Watched) -> None:
    session.connect(car.address)
    session.until(is_live)
    car.broken["stop"] = RuntimeError("the relay sticks")
    session.stop("Esc")
    pending = session.until(lambda now: now.error)
    assert pending.stop_pressed
    assert "the relay sticks" in pending.error
    assert "switch the car off" in pending.error
    del car.broken["stop"]
    done = session.until(lambda now: not now.stop_pressed)
    assert done.error == ""
    assert done.stopped


def test_a_restarted_car_is_found_again(car: SmallCar, session: Watched, stack: ExitStack) -> None:
    session.connect(car.address)
    session.until(lambda now: is_live(now) and session.series["distance"].count > 3)
    kept = session.series["distance"]
    car.close()
    lost = session.until(lambda now: now.link in (Link.LOST, Link.RECONNECTING))
    assert lost.lost_since is not None
    assert lost.error
    assert lost.car is not None, "what is known of the car is kept"
    session.until(lambda now: now.link is Link.RECONNECTING)
    waiting = session.until(lambda now: now.retry_in is not None)
    assert waiting.retry_in is not None
    assert waiting.retry_in <= 6.0
    session.stop("while it was away")
    again = SmallCar(port=car.gateway.port)
    stack.callback(again.close)
    live = session.until(lambda now: is_live(now) and not now.stop_pressed)
    assert live.error == ""
    assert live.lost_since is None
    assert live.retry_in is None
    session.until(lambda now: now.stop_reason.endswith("pressed STOP."))
    assert session.series["distance"] is kept, "the plots go on"
    assert "Small car is connected again" in session.texts()


def test_one_feed_that_is_cut_off_takes_nothing_else_with_it(
    session: Watched, stack: ExitStack
) -> None:
    car = SmallCar(camera=False)
    stack.callback(car.close)
    link = stack.enter_context(CuttableLink(car.gateway.port))
    session.connect(link.address)
    session.until(lambda now: is_live(now) and session.series["distance"].count > 3)
    link.cut(1)
    had = session.series["distance"].count
    links = set()
    session.until(
        lambda now: links.add(now.link) or session.series["distance"].count > had + 20,
    )
    assert links == {Link.LIVE}
    assert not any("lost" in text or "cannot" in text for text in session.texts())


def test_how_the_picture_comes_is_known(car: SmallCar, session: Watched) -> None:
    session.connect(car.address)
    live = session.until(lambda now: now.camera_lanes > 1)
    assert live.codec == "jpeg"
    assert live.drive_lanes == 0, "nobody has driven yet"


def test_a_port_where_nothing_listens(session: Watched) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    session.connect(f"127.0.0.1:{port}")
    trying = session.until(lambda now: now.error and now.retry_in is not None)
    assert trying.link is Link.CONNECTING
    assert f"Nothing listens at 127.0.0.1:{port}" in trying.error
    session.disconnect()
    assert session.snapshot() == Snapshot()


def test_a_text_that_is_no_address(session: Watched) -> None:
    session.connect("my car")
    assert session.snapshot().link is Link.IDLE
    assert "host:port" in session.snapshot().error


def test_another_program_on_the_port(session: Watched, stack: ExitStack) -> None:
    server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    done = threading.Event()

    def answer() -> None:
        server.settimeout(0.05)
        while not done.is_set():
            try:
                peer, _ = server.accept()
            except TimeoutError:
                continue
            with peer:
                peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20)

    web = threading.Thread(target=answer)
    web.start()
    stack.callback(web.join)
    stack.callback(done.set)
    session.connect(f"127.0.0.1:{server.getsockname()[1]}")
    seen = session.until(lambda now: now.error)
    assert "the port" in seen.error


def test_a_gateway_that_is_no_car(stack: ExitStack, session: Watched) -> None:
    gateway = stack.enter_context(pynet.Gateway(port=0))
    gateway.batch(lambda: "a fridge", name="describe")
    session.connect(f"127.0.0.1:{gateway.port}")
    assert "is no car" in session.until(lambda now: now.error).error


def test_a_full_car(stack: ExitStack, session: Watched) -> None:
    car = SmallCar(pool_size=1)
    stack.callback(car.close)
    other = stack.enter_context(pynet.Controller())
    other.connect(car.address).call("describe")
    session.connect(car.address)
    seen = session.until(lambda now: now.error)
    assert "no room" in seen.error
    other.close()
    session.until(lambda now: now.car is not None)


def test_a_drive_feed_that_fails_is_said_and_watching_goes_on(
    car: SmallCar, session: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "REOPEN", 0.05)
    car.broken["drive"] = PermissionError("the helm is jammed")
    session.connect(car.address)
    assert session.until(is_live).error == ""
    session.drive.set_keyboard_active(True)
    session.seat.ask_for_wheel()
    refused = session.until(lambda now: now.error, tick=True)
    assert "the helm is jammed" in refused.error
    assert is_live(session.until(is_live, tick=True))
    session.drive.set_keyboard_active(False)
    session.until(lambda now: not now.error)
    del car.broken["drive"]
    session.drive.set_keyboard_active(True)
    session.until(lambda now: now.commands_accepted > 0 and not now.error, tick=True)


def test_one_broken_sensor_does_not_disturb_the_rest(
    car: SmallCar, session: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "REOPEN", 0.05)
    car.broken["sensor"] = OSError("no echo")
    session.connect(car.address)
    session.until(is_live)
    broken = session.until(lambda now: now.error)
    assert "distance: no echo." in broken.error
    del car.broken["sensor"]
    session.until(lambda now: not now.error and session.series["distance"].count > 3)


def test_a_camera_that_fails_is_said_and_asked_for_again(
    car: SmallCar, session: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "REOPEN", 0.05)
    session.connect(car.address)
    session.until(is_live)
    car.broken["camera"] = OSError("unplugged")
    seen = session.until(lambda now: now.error and now.link is Link.STALE)
    assert "camera: unplugged." in seen.error
    del car.broken["camera"]
    session.until(lambda now: is_live(now) and not now.error)


def test_changing_the_car_forgets_the_old_one(
    car: SmallCar, session: Watched, stack: ExitStack
) -> None:
    other = SmallCar(camera=False)
    stack.callback(other.close)
    session.connect(car.address)
    session.until(lambda now: now.frames_painted > 2)
    session.connect(other.address)
    assert session.snapshot().frames_painted == 0
    changed = session.until(is_live)
    assert changed.address == other.address
    assert changed.frames_painted == 0
    assert session.take_frame() is None


def test_commands_are_counted_from_connecting(car: SmallCar, session: Watched) -> None:
    car.commands += [DriveCommand(seq, 0.0, 0.0, 0.0, 1) for seq in range(1000)]
    session.connect(car.address)
    assert session.until(lambda now: now.status).commands_accepted == 0


def test_closing_while_a_car_does_not_answer(session: Watched, stack: ExitStack) -> None:
    silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    session.connect(f"127.0.0.1:{silent.getsockname()[1]}")
    peer, _ = silent.accept()
    stack.callback(peer.close)
    session.stop("now")
    session.close()
    session.close()
    assert session.snapshot() == Snapshot()
    session.connect("127.0.0.1:9")
    assert session.snapshot().link is Link.IDLE


def test_closing_joins_every_thread(car: SmallCar, session: Watched) -> None:
    session.connect(car.address)
    drive_off(session)
    session.until(lambda now: now.commands_accepted, tick=True)
    session.stop("end")
    session.close()
    left = [t.name for t in threading.enumerate() if t.name.startswith(("rcapp", "pynet-client"))]
    assert left == []
