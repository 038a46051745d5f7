"""What a manager may ask the Gateway itself. Everything runs on the reactor, so nothing waits."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from pynet.errors import ConfigurationError, Forbidden, PynetError, RemoteProtocolError
from pynet.io.lane import Lane
from pynet.trust import reception
from pynet.trust.peers import Role
from pynet.wire.connection import greeting
from pynet.wire.frames import Kind
from pynet.wire.values import Decoder, Encoder

if TYPE_CHECKING:
    from pynet.gateway import Gateway

log = logging.getLogger("pynet.gateway")

OWNERS = reception.QUESTIONS | {"stop_handler", "stop_gateway"}
"""Questions that only owners may ask."""


def answer_all(gateway: Gateway, lane: Lane, role: Role) -> None:
    """Answer what has come over a manager's lane.

    Args:
        gateway: that is asked.
        lane: the manager's.
        role: of who asks.
    """
    while lane.waiting():
        frame = lane.next_frame(0)
        if frame is None:
            return
        if frame.kind != Kind.ASK:
            name = Kind(frame.kind).name
            lane.refuse(RemoteProtocolError(f"{name} came where only questions are answered"))
            return
        try:
            question = Decoder().decode(frame.meta, frame.body)
            kind, (meta, _) = Kind.ANSWER, Encoder().encode(_answer(gateway, question, role))
        except PynetError as error:
            fields = {"type": type(error).__name__, "message": str(error)}
            kind, meta = Kind.ERROR, greeting(fields)
        try:
            lane.send(kind, meta=meta)
        except PynetError as error:
            log.debug("%s did not wait for its answer: %s", lane.peer, error)


def _answer(gateway: Gateway, question: Any, role: Role) -> Any:
    if not isinstance(question, list) or not question:
        raise ConfigurationError("a question must be a list that begins with its name")
    topic, *details = question
    if topic in ("ping", "subroutines", "handlers", "stats") and not details:
        return _tell(gateway, topic)
    if not isinstance(topic, str) or topic not in OWNERS:
        raise ConfigurationError(f"this Gateway cannot answer the question {question!r:.80}")
    if role < Role.OWNER:
        raise Forbidden(f"only an owner of {gateway.name} may ask for {topic}")
    if topic in reception.QUESTIONS:
        if gateway.reception is None:
            raise ConfigurationError(f"{gateway.name} is insecure: there is nothing to pair")
        return gateway.reception.answer(topic, details, gateway.on_pairing)
    if topic == "stop_handler":
        if len(details) != 2:
            raise ConfigurationError("stop_handler wants the number of a Handler, and who asks")
        gateway.stop_handler(details[0], str(details[1]))
        return True
    if not gateway.listens:
        raise ConfigurationError("its files are served until the Gateway itself is stopped")
    log.info("a Controller stops this Gateway")
    # Later, so that the answer goes out before the goodbye.
    gateway.reactor.call_soon(lambda: _close_elsewhere(gateway))
    return True


def _tell(gateway: Gateway, topic: str) -> Any:
    """What everybody may know who gets in."""
    if topic == "subroutines":
        return gateway.registry.describe()
    if topic == "handlers":
        return gateway.handlers()
    return gateway.stats() if topic == "stats" else True


def _close_elsewhere(gateway: Gateway) -> None:
    # close() joins Handlers and must not hold up the reactor.
    threading.Thread(target=gateway.close, name="pynet-gateway-stop", daemon=True).start()
