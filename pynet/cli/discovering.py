"""``pynet discover``: who announces a Gateway in this network."""

from __future__ import annotations

import argparse
import sys
import threading

from pynet.cli.text import print_json, print_table
from pynet.discovery import Browser, Found
from pynet.errors import ConfigurationError

NOBODY = """\
pynet: no Gateway is announced here. A Gateway announces itself when it is asked to
(announce=True, pynet serve --announce, pi-agent beyond its own machine); networks of
guests, schools and firms often let nothing through. Addresses work: pynet ls HOST
"""


def discover(options: argparse.Namespace) -> None:
    """Look around for a while and list what was found; Ctrl-C ends it sooner."""
    ended = threading.Event()
    with Browser(lambda _: None) as browser:
        try:
            ended.wait(options.seconds)
        except KeyboardInterrupt:
            ended.set()
        found, problem = browser.found, browser.problem
    if problem and not found:
        raise ConfigurationError(problem)
    if options.json:
        print_json(found)
    elif found:
        print_table(("NAME", "ADDRESS", "ID", "PYNET"), [_row(one) for one in found])
        print("None of this is proved: that comes with connecting.")
    else:
        sys.stderr.write(NOBODY)


def _row(found: Found) -> tuple[str, ...]:
    return found.name, found.address, found.id_prefix or "-", found.version or "-"
