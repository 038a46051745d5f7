"""The command ``pi-agent``."""

from __future__ import annotations

import argparse
import contextlib
import logging
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType

from pi_agent import __version__
from pi_agent.config import Config, ConfigError, load_config, show

EXIT_FAILED, EXIT_USAGE = 1, 2
SWITCH_INTERVAL = 0.0005
"""Seconds for which a thread may keep the interpreter while others want it."""

logger = logging.getLogger("pi_agent")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] in ("id", "pair", "peers"):
        from pi_agent.acquaintances import acquaint

        return acquaint(words)
    options = _parser().parse_args(words)
    try:
        config = _configuration(options)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_USAGE
    if options.command == "check":
        return _check(config)
    logging.basicConfig(
        level=options.log_level.upper(),
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    return _run(config, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pi-agent",
        description="The program on the car: gives its camera and sensors to an app, and drives.",
        epilog="Without hardware: pi-agent --sim. "
        "To let others in: pi-agent pair | id | peers, each with --help",
    )
    add = parser.add_argument
    add(
        "command",
        nargs="?",
        choices=("run", "check"),
        default="run",
        help="run the car (default), or check its configuration and print it",
    )
    add("--sim", action="store_true", help="a simulated car, whatever the file says")
    add("--config", type=Path, metavar="FILE", help="TOML file that describes the car")
    add("--host", help="address to listen on (default 127.0.0.1)")
    add("--port", type=_port, help="port to listen on (default 1857); 0 takes any free one")
    add("--name", help="what the car is called")
    add("--camera", metavar="SOURCE", help="a video file, or a device such as /dev/video0 or 0")
    add("--report", type=Path, metavar="FILE", help="leave a JSON report of what the car did")
    add("--parent", type=int, metavar="PID", help="go neutral and end when that process ends")
    add(
        "--log-level",
        default="info",
        choices=("debug", "info", "warning", "error"),
        help="how much to tell on stderr (default info)",
    )
    add("--version", action="version", version=f"pi-agent {__version__}")
    return parser


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port; use 0 to 65535")
    return port


def _configuration(options: argparse.Namespace) -> Config:
    """The file, changed by what the command line says."""
    if options.config is None and not options.sim and options.command == "run":
        raise ConfigError(["Say --sim for a simulated car, or --config FILE.toml for a real one."])
    config = (
        Config()
        if options.config is None
        else load_config(options.config, look=options.command == "check")
    )
    if options.sim:
        config = replace(config, drivetrain=replace(config.drivetrain, kind="simulated"))
    gateway = config.gateway
    if options.host is not None:
        gateway = replace(gateway, host=options.host)
    if options.port is not None:
        gateway = replace(gateway, port=options.port)
    config = replace(config, gateway=gateway)
    if options.name is not None:
        config = replace(config, name=options.name)
    if options.camera is not None:
        config = replace(config, camera=replace(config.camera, source=options.camera))
    return config


def _check(config: Config) -> int:
    """Prints the configuration with every default filled in."""
    sys.stdout.write(show(config))
    sys.stderr.write("The configuration is good.\n")
    return 0


def _run(config: Config, options: argparse.Namespace) -> int:
    import pynet
    from pi_agent.agent import Agent
    from pi_agent.hardware.protocols import HardwareError
    from pi_agent.parent import ParentWatch

    # A thread that computes is to make way for one that has a command after 0.5 ms instead of 5.
    sys.setswitchinterval(SWITCH_INTERVAL)
    _keep_opencv_on_one_core()
    done = threading.Event()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_ended_by_signals(done))
        if options.parent is not None:
            parent = ParentWatch(options.parent, done.set)
            parent.start()
            stack.callback(parent.close)
        try:
            agent = stack.enter_context(Agent(config, options.report))
        except (HardwareError, pynet.PynetError, OSError) as error:
            logger.error("%s", error)
            return EXIT_FAILED
        sys.stdout.write(f"pi-agent ready on {agent.address}\n")
        sys.stdout.flush()
        # A wait without a limit cannot be interrupted by Ctrl+C on Windows.
        while not done.wait(0.5):
            pass
    return 0


def _keep_opencv_on_one_core() -> None:
    """OpenCV's own threads cost more than they bring for pictures this small."""
    try:
        import cv2
    except ImportError:
        return
    cv2.setNumThreads(1)


@contextlib.contextmanager
def _ended_by_signals(done: threading.Event) -> Iterator[None]:
    """Sets ``done`` on SIGTERM, SIGINT and SIGHUP, so that the car goes neutral in order."""

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        done.set()

    names = [name for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)]
    before = [(getattr(signal, name), signal.getsignal(getattr(signal, name))) for name in names]
    # What nohup made deaf stays deaf.
    before = [(number, handler) for number, handler in before if handler != signal.SIG_IGN]
    for number, _ in before:
        signal.signal(number, on_signal)
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
