"""``pynet pair``: the machine that a code is typed into, and the one that shows it."""

from __future__ import annotations

import argparse
import contextlib
import json
import shlex
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

from pynet.cli.serving import ended_by_signals
from pynet.cli.signs import large, qr
from pynet.cli.text import printable
from pynet.cli.trusting import known_by_name
from pynet.controller import Controller
from pynet.dial import DEFAULT_PORT, parse_address
from pynet.errors import AuthenticationError, ConfigurationError, ConnectError, PairingError
from pynet.gateway import LOOPBACK, Gateway
from pynet.remote import RemoteGateway
from pynet.trust.asking import pair as pair_with
from pynet.trust.display import CodeCommand
from pynet.trust.link import Link, is_link, spaced
from pynet.trust.peers import Peer, Role
from pynet.trust.store import Trust

LOOK = 0.25
"""Seconds between two looks at what has become of a window."""

ANYWHERE = ("", "0.0.0.0", "::")

FULL_HELP = """\
Two machines become acquainted once; afterwards they let each other in without a question.
  on the car:      pi-agent pair, or for any other Gateway: pynet pair --serve
  on the laptop:   pynet pair car.local, and type the code that the car shows
  by ssh instead:  pynet pair --ssh pi@car.local
  without a code:  write what `pynet id` prints here into the car's file (docs/security.md),
                   then pynet pair car.local --by-id"""


def pair(options: argparse.Namespace) -> None:
    """One of the ways to become acquainted with another machine."""
    ways = [way for way in ("host", "serve", "ssh") if getattr(options, way)]
    if len(ways) != 1:
        raise ConfigurationError("say one of: HOST of the other machine, --serve, --ssh USER@HOST")
    if options.serve:
        serve(options)
    elif options.ssh:
        from pynet.trust.ssh import pair_over_ssh

        role = Role.of(options.role)
        _tell(pair_over_ssh(
            options.ssh, port=options.port, role=role, name=options.name, command=options.remote
        ))  # fmt: skip
    else:
        _tell(ask(options), by_id=options.by_id and not options.id)


# ---- here a code is typed in ------------------------------------------------------------------


def ask(options: argparse.Namespace) -> Peer:
    """Pair with the machine that the command line names."""
    from pynet.trust.pairing import WrongCode

    trust = Trust()
    link = _link(options, trust)
    code = None if options.by_id else options.code or link.code or _typed()
    while True:
        try:
            return pair_with(
                link.host,
                link.port,
                code,
                trust=trust,
                name=options.name,
                expect=options.id or link.id,
                timeout=options.timeout,
            )
        except WrongCode as error:
            if not error.left or options.code or link.code or not sys.stdin.isatty():
                raise
            sys.stderr.write(printable(f"pynet: {error}; {error.left} more") + "\n")
            code = _typed()


def _link(options: argparse.Namespace, trust: Trust) -> Link:
    if is_link(options.host):
        return Link.read(options.host)
    known = known_by_name(options.host, trust)
    host, port = parse_address(options.host if known is None else known.address)
    return Link(host, options.port or port)


def _typed() -> str:
    sys.stderr.write("Code that the other machine shows: ")
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line.strip():
        raise ConfigurationError("without a code the two cannot be paired")
    return line


def _tell(peer: Peer, *, by_id: bool = False) -> None:
    print(printable(f"{peer.name} is known now, and lets this machine in as {peer.granted.word}"))
    print(f"  id      {peer.id}")
    print(printable(f"  try     pynet ls {shlex.quote(peer.name)}"))
    if by_id:
        print("Nobody vouches for it: compare the id with what `pynet id` prints there.")


# ---- here it is shown -------------------------------------------------------------------------


def serve(options: argparse.Namespace) -> None:
    """Open a window of the Gateway that runs here, or of one of our own, and show the code.

    Raises:
        PairingError: nobody has paired.
    """
    command = CodeCommand(shlex.split(options.code_command)) if options.code_command else None
    with ended_by_signals(), _gateway(options) as gateway:
        window = _open(gateway, Role.of(options.role), options.seconds)
        if window["told"]:
            command = None
        try:
            if command is not None:
                command.show(window["code"], window["left"])
            _show(window, as_json=options.json)
            window = _watch(gateway, quiet=options.json)
        finally:
            if command is not None:
                command.clear()
            with contextlib.suppress(ConnectionError):
                gateway.ask("close_pairing")
    if options.json:
        print(json.dumps({name: window[name] for name in ("state", "peer")}), flush=True)
    _conclude(window)


def _conclude(window: dict[str, Any]) -> None:
    if window["state"] == "struck":
        raise PairingError("three wrong codes: the window is closed. Was it you? Open another")
    if window["state"] != "paired":
        raise PairingError("nobody has paired; the window is closed")
    peer = window["peer"] or {"name": "somebody", "id": "?"}
    sys.stderr.write(
        printable(f"{peer['name']} is known now, as {window['role']}: {peer['id']}") + "\n"
    )


@contextlib.contextmanager
def _gateway(options: argparse.Namespace) -> Iterator[RemoteGateway]:
    """The Gateway that runs on this machine, or one that does nothing but pair."""
    trust = Trust()
    port = DEFAULT_PORT if options.port is None else options.port
    near = "127.0.0.1" if options.listen in ANYWHERE else options.listen
    itself = Peer("this machine", Role.OWNER, trust.identity.certificate)
    with contextlib.ExitStack() as stack:
        controller = stack.enter_context(Controller(trust=trust))
        running = _running(controller, near, port, itself, options.timeout) if port else None
        if running is None:
            own = Gateway(options.listen, port, name=options.name or None, trust=trust)
            stack.enter_context(own)
            running = controller.connect((near, own.port), peer=itself, timeout=options.timeout)
        yield running


def _running(
    controller: Controller, host: str, port: int, itself: Peer, timeout: float
) -> RemoteGateway | None:
    """The Gateway that listens there already, which has to be this machine's own."""
    try:
        return controller.connect((host, port), peer=itself, timeout=timeout)
    except AuthenticationError as error:
        raise ConfigurationError(
            f"what listens on {host}:{port} does not take this for its own machine ({error}); "
            "run this as the same user, or with the same PYNET_CONFIG"
        ) from error
    except ConnectError as error:
        if isinstance(error.__cause__, ConnectionRefusedError):
            return None
        raise


def _open(gateway: RemoteGateway, role: Role, seconds: float) -> dict[str, Any]:
    """A new window; an older one that nobody has used yet goes."""
    if gateway.ask("pairing").get("state") == "open":
        gateway.ask("close_pairing")
        while gateway.ask("pairing")["open"]:
            time.sleep(LOOK / 10)
    window: dict[str, Any] = gateway.ask("open_pairing", role.word, seconds)
    return window


def _watch(gateway: RemoteGateway, *, quiet: bool) -> dict[str, Any]:
    """Until it is over."""
    shown = not quiet and sys.stdout.isatty()
    while True:
        window: dict[str, Any] = gateway.ask("pairing")
        if window["state"] != "open":
            if shown:
                print()
            return window
        if shown:
            minutes, seconds = divmod(int(window["left"]), 60)
            print(f"\r  {minutes}:{seconds:02d} left, {window['strikes_left']} tries ", end="")
            sys.stdout.flush()
        time.sleep(LOOK)


def _show(window: dict[str, Any], *, as_json: bool) -> None:
    host = window["host"]
    host = _own_address() if host in ANYWHERE else host
    link = Link(host, window["port"], window["id"], window["code"])
    if as_json:
        names = ("state", "code", "role", "left", "id", "name", "host", "port")
        print(json.dumps({name: window[name] for name in names} | {"link": str(link)}), flush=True)
        return
    place = host if link.port == DEFAULT_PORT else f"{host}:{link.port}"
    print(printable(f"{window['name']} can be paired now, with a {window['role']}:"))
    print(f"\n{large(link.code)}\n\ncode    {spaced(link.code)}\nthere   pynet pair {place}")
    print(f"link    {link}\n{qr(str(link)) if sys.stdout.isatty() else ''}")
    sys.stdout.flush()
    if host in LOOPBACK:
        sys.stderr.write(
            "pynet: it listens on this machine only; let it listen on 0.0.0.0 for others\n"
        )


def _own_address() -> str:
    """Of this machine in its network: what it would send from; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))  # of an example network (RFC 5737)
            return str(sock.getsockname()[0])
        except OSError:
            return f"{socket.gethostname()}.local"
