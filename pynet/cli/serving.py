"""``pynet serve``: find the Gateway of a module and run it."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, ModuleType

from pynet.errors import Closed, ConfigurationError, PynetError
from pynet.gateway import Gateway


def serve(options: argparse.Namespace) -> None:
    """Serve until Ctrl-C, SIGTERM, or a Controller stops the Gateway."""
    with ended_by_signals(), contextlib.suppress(KeyboardInterrupt):
        gateway = find_gateway(options.target)
        try:
            _readdress(gateway, options)
            gateway.announce = gateway.announce or options.announce
            gateway.start()
        except Closed:
            raise ConfigurationError(
                f"{options.target} was served and closed while it was imported; put its "
                'gateway.serve() below: if __name__ == "__main__":'
            ) from None
        with gateway:
            names = ", ".join(row["name"] for row in gateway.registry.describe())
            print(f"{gateway.name} listens on {gateway.address} and offers: {names or 'nothing'}")
            sys.stdout.flush()
            gateway.serve()


def find_gateway(target: str) -> Gateway:
    """The Gateway of ``module:name``, ``file.py:name``, or of a module that has only one.

    Raises:
        ConfigurationError: there is none, or the module cannot be imported.
    """
    place, colon, name = target.rpartition(":")
    if not colon or not name.isidentifier():
        place, name = target, ""
    module = import_module(place)
    if name:
        found = getattr(module, name, None)
        if not isinstance(found, Gateway):
            what = f"is a {type(found).__name__}" if hasattr(module, name) else "does not exist"
            raise ConfigurationError(f"{name} in {place} {what}; it must be a pynet.Gateway")
        return found
    gateways = {id(thing): thing for thing in vars(module).values() if isinstance(thing, Gateway)}
    if not gateways:
        raise ConfigurationError(f"{place} has no Gateway; make one: gateway = pynet.Gateway()")
    if len(gateways) > 1:
        raise ConfigurationError(f"{place} has {len(gateways)} Gateways; say which: {place}:NAME")
    return next(iter(gateways.values()))


def _readdress(gateway: Gateway, options: argparse.Namespace) -> None:
    """Let it listen where the command line says; a Gateway judges whether that is allowed."""
    host = gateway.host if options.host is None else options.host
    port = gateway.port if options.port is None else options.port
    allowed = options.host is None and gateway.insecure  # by its own module, for that address
    gateway.move(
        host,
        port,
        insecure=allowed or options.insecure,
        allow_network=allowed or options.allow_network,
    )


def import_module(place: str) -> ModuleType:
    """A module by its name, looked for in this folder too, or by the path of its file.

    Raises:
        ConfigurationError: there is none, or it cannot be imported.
    """
    try:
        if not place.endswith(".py"):
            _search_first(Path.cwd())
            return importlib.import_module(place)
        path = Path(place).resolve()
        if not path.is_file():
            raise ConfigurationError(f"there is no file {place}")
        _search_first(path.parent)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    except PynetError:
        raise
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == place:
            raise ConfigurationError(f"no module is called {place} here") from error
        raise ConfigurationError(
            f"{place} cannot be imported: {type(error).__name__}: {error}{_where(error)}"
        ) from error


def _search_first(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _where(error: BaseException) -> str:
    """The innermost line of an error, which mostly is the one to look at."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or trace.tb_frame.f_code.co_filename.startswith("<"):
        return ""
    return f" ({trace.tb_frame.f_code.co_filename}, line {trace.tb_lineno})"


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Turn SIGTERM into Ctrl-C; a second signal ends the process at once."""

    def on_signal(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, on_signal)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
