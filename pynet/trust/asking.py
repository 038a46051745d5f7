"""The other side of pairing: the machine that a person types the code into."""

from __future__ import annotations

import socket
import time
from dataclasses import replace

from pynet.errors import ConnectError, PairingError
from pynet.stranger import PAIRING_WORD
from pynet.trust.contexts import stranger_context
from pynet.trust.identity import device_id, read_device_id
from pynet.trust.peers import Peer, clean_name
from pynet.trust.store import Trust
from pynet.trust.talk import BUSY, CLOSED, OPEN, PLAIN, Talk

AGAIN = 0.3
"""Seconds after which somebody who found the other machine busy knocks again."""


def pair(
    host: str,
    port: int,
    code: str | None,
    *,
    trust: Trust | None = None,
    name: str = "",
    expect: str = "",
    timeout: float = 10.0,
) -> Peer:
    """Become acquainted with the machine whose Gateway listens there. Blocks.

    Afterwards each knows the other: this one may do there what the person who opened the window
    has chosen, see :attr:`Peer.granted`. The other one gets no role here.

    Args:
        host, port: where its Gateway listens.
        code: that it shows; None if this machine's id is in a settings file there. Then nothing
            proves that it is the right machine, unless ``expect`` is given: look at its id.
        trust: who this machine is, and whom it knows; what the platform's folder holds by default.
        name: what this machine calls itself there; its host name by default.
        expect: device id that the other machine must have; any by default.
        timeout: seconds for everything.

    Raises:
        WrongCode: it is another code; how many more may be tried, it says.
        PairingError: no window is open there, somebody stands in between, or it is no pynet.
        ConnectError: nobody answers there.
        ConfigurationError: an argument cannot be.
    """
    from pynet.trust.pairing import Asker

    trust = trust or Trust()
    own_name = clean_name(name or socket.gethostname())
    expect = read_device_id(expect) if expect else ""
    until = time.monotonic() + timeout
    sock = _knock(host, port, until)
    try:
        talk = Talk(sock, stranger_context(trust.identity, server=False), server=False)
    except BaseException:
        sock.close()
        raise
    try:
        talk.shake_hands(until)
        asker = Asker(trust.identity, own_name, code, talk.certificate)
        _compare(talk.certificate, expect)
        talk.send(asker.begin(), until)
        talk.send(asker.prove(talk.receive(until)), until)
        peer, _ = asker.finish(talk.receive(until))
    finally:
        talk.close()
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return _keep(trust, replace(peer, address=address))


def _compare(certificate: bytes, expect: str) -> None:
    """Before anything of the code is used."""
    found = device_id(certificate)
    if expect and found != expect:
        raise PairingError(
            f"another machine answers there than should: its id is {found}, not {expect}; "
            "check the address, and do not trust it"
        )


def _keep(trust: Trust, peer: Peer) -> Peer:
    known = trust.peers.of_id(peer.id)
    if known is not None:
        # What a person has decided about it stays.
        peer = replace(peer, name=known.name, role=known.role, placed=known.placed)
    peer = replace(peer, name=trust.peers.free_name(peer.name, peer.id))
    trust.peers.add(peer)
    return peer


def _knock(host: str, port: int, until: float) -> socket.socket:
    """A connection on which the other machine has time for us."""
    while True:
        sock = _connect(host, port, until)
        try:
            answer = _ask(sock, f"{host}:{port}", until)
        except BaseException:
            sock.close()
            raise
        if answer == OPEN:
            return sock
        sock.close()
        if answer == CLOSED:
            from pynet.trust.pairing import CLOSED as SENTENCE

            raise PairingError(SENTENCE)
        if answer == PLAIN:
            raise PairingError(
                f"{host}:{port} runs with insecure=True: it lets anybody in, and there is nothing "
                "to pair; start it without, or connect with insecure=True"
            )
        if time.monotonic() + AGAIN > until:
            raise PairingError(
                f"{host}:{port} pairs with somebody else all the time; try again in a moment"
            )
        time.sleep(AGAIN)


def _connect(host: str, port: int, until: float) -> socket.socket:
    left = max(0.001, until - time.monotonic())
    try:
        return socket.create_connection((host, port), left)
    except (socket.gaierror, UnicodeError) as error:
        raise ConnectError(
            f"no machine is called {host!r} here ({error}); check the name, or use its IP address"
        ) from error
    except ConnectionRefusedError as error:
        raise ConnectError(
            f"nothing listens on {host}:{port}; start the Gateway there, or check the port"
        ) from error
    except TimeoutError as error:
        raise ConnectError(
            f"{host}:{port} does not answer; check that it is switched on and in the same network"
        ) from error
    except (OSError, OverflowError) as error:
        raise ConnectError(f"cannot reach {host}:{port}: {error}") from error


def _ask(sock: socket.socket, address: str, until: float) -> bytes:
    """Say what we want, and read the answer, which is one short line."""
    answer = b""
    foreign = PairingError(
        f"{address} does not answer as a pynet Gateway does; check the address, and install the "
        "same pynet release on both sides"
    )
    try:
        sock.sendall(PAIRING_WORD)
        while not answer.endswith(b"\n"):
            sock.settimeout(max(0.001, until - time.monotonic()))
            # One by one: what follows belongs to TLS.
            letter = sock.recv(1)
            answer += letter
            if not letter or not any(w.startswith(answer) for w in (OPEN, CLOSED, BUSY, PLAIN)):
                raise foreign
    except TimeoutError as error:
        raise foreign from error
    except OSError as error:
        raise PairingError(f"{address} hung up at once: {error}; is it a pynet Gateway?") from error
    return answer
