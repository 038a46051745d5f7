"""The settings file."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rcapp.core.cars import MOST_REMEMBERED, KnownCar
from rcapp.core.settings import Settings, default_path, load, reset, save

CHANGED = Settings(
    theme="light",
    name="Anna's laptop",
    cars=(
        KnownCar("car.local:1857", "Rover-1", "ABCDEFG-HIJKLMN", "driver", 1800000000.0),
        KnownCar("10.0.0.7:2000"),
    ),
    connect_at_start=True,
    gamepad_dead_zone=0.15,
    gamepad_expo=0.0,
    plot_seconds=60.0,
)


def test_no_file_is_the_defaults_without_a_word(tmp_path: Path) -> None:
    assert load(tmp_path / "config.toml") == (Settings(), "")


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "config.toml"
    save(CHANGED, path)
    assert load(path) == (CHANGED, "")
    save(Settings(), path)
    assert load(path) == (Settings(), "")
    assert [file.name for file in path.parent.iterdir()] == ["config.toml"]


def test_comments_and_unknown_keys_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        'mood = "sunny"\n[look]\n# my eyes prefer it\ntheme = "light"\n[other]\nkey = 1\n'
    )
    loaded, message = load(path)
    assert (loaded.theme, message) == ("light", "")
    save(dataclasses.replace(loaded, plot_seconds=10.0), path)
    text = path.read_text()
    assert "# my eyes prefer it" in text
    assert 'mood = "sunny"' in text
    assert "key = 1" in text
    assert load(path)[0].plot_seconds == 10.0


def test_a_broken_file_is_said_and_kept_aside(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[look\ntheme=")
    loaded, message = load(path)
    assert loaded == Settings()
    assert "mistake" in message
    (kept,) = tmp_path.iterdir()
    assert kept.name.startswith("config.toml.broken-")
    assert str(kept) in message
    assert kept.read_text() == "[look\ntheme="
    assert load(path) == (Settings(), "")


def test_a_value_that_cannot_be_used_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        '[look]\ntheme = "pink"\nplot_seconds = 20\n[gamepad]\nexpo = 7\ndead_zone = true\n'
        "[cars]\nknown = [1]\nconnect_at_start = 1\n[pairing]\nname = 5\n"
    )
    loaded, message = load(path)
    assert loaded == Settings(plot_seconds=20.0)
    for part in (
        "look.theme must be one of dark, light, contrast, system",
        "gamepad.expo must lie between 0 and 1",
        "gamepad.dead_zone must be a number",
        "cars.known needs an address",
        "cars.connect_at_start must be true or false",
        "pairing.name must be a text",
    ):
        assert part in message


def test_a_newer_file_is_read_as_far_as_possible(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("schema_version = 99\nlook = 5\n[gamepad]\nexpo = 0.5\n")
    loaded, message = load(path)
    assert loaded.gamepad_expo == 0.5
    assert "newer version" in message
    save(loaded, path)
    assert load(path)[0] == loaded


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    loaded, message = load(tmp_path)
    assert loaded == Settings()
    assert "cannot be read" in message


def test_a_save_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.toml"
    save(CHANGED, path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save(Settings(), path)
    assert load(path) == (CHANGED, "")
    assert [file.name for file in tmp_path.iterdir()] == ["config.toml"]


def test_reset_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert reset(path) is None
    save(CHANGED, path)
    kept = reset(path)
    assert kept is not None
    assert load(kept) == (CHANGED, "")
    assert load(path) == (Settings(), "")


def test_the_newest_car_comes_first_and_old_ones_are_forgotten() -> None:
    known = Settings()
    for number in range(20):
        known = known.with_car(KnownCar(f"car{number}:1857"))
    known = known.with_car(KnownCar("car15:1857"))
    assert known.last_address == "car15:1857"
    addresses = [car.address for car in known.cars]
    assert addresses[:3] == ["car15:1857", "car19:1857", "car18:1857"]
    assert len(addresses) == MOST_REMEMBERED
    assert known.without_car("car15:1857").last_address == "car19:1857"


def test_addresses_of_an_earlier_version_are_read(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[cars]\nrecent = ["car.local:1857", "10.0.0.7:2000"]\n')
    loaded, message = load(path)
    assert message == ""
    assert loaded.cars == (KnownCar("car.local:1857"), KnownCar("10.0.0.7:2000"))


def test_default_place_belongs_to_the_person() -> None:
    assert default_path().name == "config.toml"
    assert "rcapp" in str(default_path())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(content=st.binary(max_size=200))
def test_no_file_whatever_breaks_the_start(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    loaded, _ = load(path)
    assert isinstance(loaded, Settings)
