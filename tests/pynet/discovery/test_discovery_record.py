"""What is announced, and what is believed of what was heard."""

from __future__ import annotations

from ipaddress import IPv4Interface

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pynet.discovery.record import (
    LONGEST_LABEL,
    LONGEST_NAME,
    LONGEST_TXT,
    MOST_ADDRESSES,
    ROOM_FOR_A_NUMBER,
    Record,
    clean,
    read,
)
from pynet.errors import ConfigurationError

HERE = ("192.168.1.20",)


def text_of(record: Record) -> dict[bytes, bytes | None]:
    return {key.encode(): value.encode() for key, value in record.text.items()}


def test_nothing_but_name_id_and_version_is_told() -> None:
    record = Record("Rover 1", 1857, "ABCDEFG", "1.2.3")
    assert record.text == {"name": "Rover 1", "id": "ABCDEFG", "version": "1.2.3"}
    assert record.label == "Rover 1 (ABCDEFG)"
    assert Record("Rover 1", 1857).text == {"name": "Rover 1"}
    assert Record("Rover 1", 1857).label == "Rover 1"
    assert Record("Rover 1", 1858, "ABCDEFG").label == "Rover 1 (ABCDEFG:1858)"
    assert Record("Rover 1", 1858).label == "Rover 1 (1858)"


@pytest.mark.parametrize("name", ["Köhlers Auto", "車" * 80, "a b  c", "v1.5", "\\", "🚗" * 64])
def test_any_name_comes_through(name: str) -> None:
    record = Record(name, 1857, "ABCDEFG", "1.0")
    assert len(record.label.encode()) <= LONGEST_LABEL - ROOM_FOR_A_NUMBER
    assert record.label.endswith(" (ABCDEFG)")
    assert "." not in record.label
    found = read(record.label, text_of(record), 1857, HERE)
    assert found is not None
    assert clean(name).startswith(found.name)
    assert len(found.name) >= min(len(clean(name)), LONGEST_TXT // 4)
    assert (found.id_prefix, found.version, found.address) == (
        "ABCDEFG", "1.0", "192.168.1.20:1857",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("", 1857), "is no name"),
        (("\x1b\n\u202e", 1857), "is no name"),
        (("car", 0), "port 0"),
        (("car", 65536), "port 65536"),
        (("car", 1857, "abcdefg"), "no first group"),
        (("car", 1857, "ABCDEFG-H"), "no first group"),
        (("car", 1857, "", "1 2"), "is no version"),
    ],
)
def test_what_cannot_be_announced(arguments: tuple, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Record(*arguments)


def test_the_name_of_a_service_without_text() -> None:
    found = read("Somebody", {}, 1857, HERE)
    assert found is not None
    assert (found.name, found.id_prefix, found.version) == ("Somebody", "", "")
    found = read("", {b"name": None, b"id": b"", b"version": None}, 1857, HERE)
    assert found is not None
    assert found.name == "192.168.1.20"


def test_a_text_cannot_take_over_a_terminal_or_a_screen() -> None:
    evil = "\x1b[2J\x07Ro\u202ever\r\n\0 one\ud800".encode(errors="surrogatepass")
    found = read("x", {b"name": evil, b"id": b"<b>AAAA", b"version": b"\x1b[31m"}, 1857, HERE)
    assert found is not None
    assert found.name == "[2J Ro ver one"
    assert (found.id_prefix, found.version) == ("", "")


@pytest.mark.parametrize("port", [None, 0, -1, 65536])
def test_no_port_to_connect_to(port: int | None) -> None:
    assert read("car", {}, port, HERE) is None


@pytest.mark.parametrize(
    "address", ["", "nonsense", "224.0.0.1", "0.0.0.0", "255.255.255.255", "ff02::1", "::", "1.2.3"]
)
def test_addresses_that_no_machine_has(address: str) -> None:
    assert read("car", {}, 1857, [address]) is None
    found = read("car", {}, 1857, [address, "10.0.0.1"])
    assert found is not None
    assert found.addresses == ("10.0.0.1",)


def test_the_nearest_address_comes_first() -> None:
    """The bridge of containers has one address on every machine: here it leads to ourselves."""
    told = ("127.0.0.1", "fe80::1%2", "172.17.0.1", "10.0.0.9", "192.168.1.20", "2001:db8::1")
    here = [IPv4Interface("172.17.0.1/16"), IPv4Interface("192.168.1.7/24")]
    found = read("car", {}, 1857, told, here)
    assert found is not None
    assert found.addresses == (
        "192.168.1.20", "10.0.0.9", "2001:db8::1", "fe80::1%2", "172.17.0.1", "127.0.0.1",
    )  # fmt: skip
    assert found.host == "192.168.1.20"


def test_an_address_of_ipv6_is_written_so_that_it_can_be_dialled() -> None:
    found = read("car", {}, 1857, ["2001:db8::1"])
    assert found is not None
    assert found.address == "[2001:db8::1]:1857"


@settings(deadline=None)
@given(
    label=st.text(),
    text=st.dictionaries(
        st.sampled_from([b"name", b"id", b"version", b"more"]),
        st.none() | st.binary(max_size=400),
    ),
    port=st.none() | st.integers(),
    addresses=st.lists(st.text(max_size=20) | st.ip_addresses().map(str), max_size=40),
)
def test_whatever_is_heard_is_bounded_and_can_be_shown(
    label: str,
    text: dict[bytes, bytes | None],
    port: int | None,
    addresses: list[str],
) -> None:
    found = read(label, text, port, addresses)
    if found is None:
        return
    assert 1 <= len(found.name) <= LONGEST_NAME
    assert all(shown.isprintable() for shown in (found.name, found.id_prefix, found.version))
    assert len(found.id_prefix) in (0, 7)
    assert len(found.version) <= 32
    assert 1 <= len(found.addresses) <= MOST_ADDRESSES
    assert found.host == found.addresses[0]
    assert 1 <= found.port <= 65535
