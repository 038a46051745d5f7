"""What the words of the command line mean."""

from __future__ import annotations

import argparse
import ast
import contextlib
import json
import math
import re
import warnings
from collections.abc import Iterable
from typing import Any

from pynet.dial import parse_address
from pynet.errors import ConfigurationError

_NAMED = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


def address(text: str) -> str:
    """Where a Gateway is, for argparse."""
    try:
        parse_address(text)
    except ConfigurationError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def port(text: str) -> int:
    """A port to listen on, for argparse."""
    number = int(text) if text.isdecimal() else -1
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port; use 0 to 65535")
    return number


def count(text: str) -> int:
    """A number of at least 1, for argparse."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is no number of at least 1")
    return int(text)


def seconds(text: str) -> float:
    """A time that is more than 0, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no time in seconds")
    return value


def read_value(text: str) -> Any:
    """What an argument on the command line stands for: a Python literal, JSON, or text."""
    with (
        warnings.catch_warnings(),
        contextlib.suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError),
    ):
        warnings.simplefilter("ignore")  # of texts that are nearly Python, such as 3or
        return ast.literal_eval(text)
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(text, parse_constant=_refuse)
    return text


def _refuse(word: str) -> Any:
    """NaN and Infinity are no JSON, and more likely words."""
    raise ValueError(word)


def read_arguments(words: Iterable[str]) -> tuple[list[Any], dict[str, Any]]:
    """Positional and keyword arguments from words such as ``3`` and ``name=front``."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for word in words:
        found = _NAMED.fullmatch(word)
        if found is None:
            positional.append(read_value(word))
        else:
            named[found[1]] = read_value(found[2])
    return positional, named
