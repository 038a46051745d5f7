from __future__ import annotations

from pathlib import Path

import pytest

from pi_agent.config import (
    Config,
    ConfigError,
    HBridgeConfig,
    SensorConfig,
    example_text,
    load_config,
    show,
)


def written(folder: Path, text: str) -> Path:
    file = folder / "car.toml"
    file.write_text(text, encoding="utf-8")
    return file


def problems(folder: Path, text: str) -> list[str]:
    file = written(folder, text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    return [problem.removeprefix(str(file)) for problem in caught.value.problems]


def test_the_example_says_the_defaults(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, example_text()))
    expected = Config(sensors={"distance": SensorConfig(True, 20.0, 0.3, None)})
    assert config == expected


def test_an_empty_file_is_a_simulated_car(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, "")) == Config()


def test_what_is_shown_can_be_loaded_again(tmp_path: Path) -> None:
    text = """
        name = 'The "red" one'
        [drivetrain]
        kind = "hbridge"
        left = [5, 6]
        invert_right = true
        trim = -0.1
        [camera]
        source = "none"
    """
    config = load_config(written(tmp_path, text))
    assert config.drivetrain.hbridge == HBridgeConfig(left=(5, 6), invert_right=True, trim=-0.1)
    assert load_config(written(tmp_path, show(config))) == config
    example = load_config(written(tmp_path, example_text()))
    assert load_config(written(tmp_path, show(example))) == example


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[failsafe]\ncommand_timeout = 0.9",
            ":2: [failsafe] command_timeout = 0.9 is above 0.5; use 0.15 to 0.5 s.",
        ),
        (
            "[failsafe]\ncommand_timeout = 0",
            ":2: [failsafe] command_timeout = 0 is below 0.15; use 0.15 to 0.5 s.",
        ),
        (
            "[gateway]\n\nport = 99999",
            ":3: [gateway] port = 99999 is above 65535; use 0 to 65535.",
        ),
        (
            "[gateway]\nport = true",
            ":2: [gateway] port = True is no whole number; use 0 to 65535.",
        ),
        (
            '[gateway]\nhots = "x"',
            ":2: [gateway] hots = 'x' is not known here; write host if you meant that.",
        ),
        ('name = ""', ":1: name = '' is no text; write 1 to 64 characters in quotes."),
        (
            '[drivetrain]\nkind = "tank"',
            ':2: [drivetrain] kind = \'tank\' is none of the kinds; use "simulated" or "hbridge".',
        ),
        (
            "[drivetrain]\nleft = [9, 9]",
            (
                ":2: [drivetrain] left = [9, 9] is no pair of pins; "
                "write [forward, backward] with BCM numbers 0 to 27."
            ),
        ),
        (
            "[drivetrain]\nleft = [1, 2]\nright = [2, 3]",
            (
                ":3: [drivetrain] right = [2, 3] shares a pin with left; "
                "give each of the four its own pin."
            ),
        ),
        (
            '[drivetrain]\ninvert_left = "yes"',
            (
                ":2: [drivetrain] invert_left = 'yes' is neither true nor false; "
                "write true or false without quotes."
            ),
        ),
        (
            "[camera]\nfps = nan",
            ":2: [camera] fps = nan is no number; use 1 to 90.",
        ),
        (
            "[sensors.sonar]\nhz = 5",
            (
                ":1: [sensors] sonar = {'hz': 5} is no sensor of this car; "
                "use distance, speed, yaw_rate, acceleration, battery."
            ),
        ),
        (
            '[sensors.distance]\nhz = "fast"',
            ":2: [sensors.distance] hz = 'fast' is no number; use 1 to 100.",
        ),
        (
            '[camera]\ncodec = "vp8"',
            ':2: [camera] codec = \'vp8\' is none of the kinds; use "auto" or "h264" or "jpeg".',
        ),
        (
            "[camera]\nmin_bitrate = 2\nmax_bitrate = 1",
            ":2: [camera] min_bitrate = 2 is above max_bitrate; use at most 1.",
        ),
        ("camera = 3", ":1: camera = 3 must be a table; write [camera]."),
        ("colour = 3", ":1: colour = 3 is not known here; remove it."),
    ],
)
def test_a_problem_names_line_value_limit_and_remedy(
    tmp_path: Path, text: str, expected: str
) -> None:
    assert problems(tmp_path, text) == [expected]


def test_plain_tcp_in_the_network_needs_a_second_word(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, '[gateway]\nhost = "0.0.0.0"\n')).gateway.host == "0.0.0.0"
    text = '[gateway]\nhost = "0.0.0.0"\ninsecure = true\n'
    (problem,) = problems(tmp_path, text)
    assert problem.startswith(":3: [gateway] insecure = True would let anybody in the network")
    config = load_config(written(tmp_path, text + "allow_network = true\n"))
    assert config.gateway.insecure


ANNA = "32VKIWY-4UP3NMO-YUSZTD6-IPZW6A6-57D2YWK-VBU4LPH-U62JGOL-MZ57MAT"


def test_machines_that_need_no_code(tmp_path: Path) -> None:
    text = f"""
        [trust]
        code_command = ["show", "--large"]
        [[trust.peer]]
        name = "Anna"
        id = "{ANNA}"
        [[trust.peer]]
        name = "Ben"
        id = "{ANNA.lower().replace("-", " ")}"
        role = "owner"
    """
    config = load_config(written(tmp_path, text))
    assert config.trust.code_command == ("show", "--large")
    assert [(peer.name, peer.role) for peer in config.trust.peer] == [
        ("Anna", "driver"),
        ("Ben", "owner"),
    ]
    assert load_config(written(tmp_path, show(config))) == config


def test_what_is_wrong_with_a_machine_is_told_with_its_line(tmp_path: Path) -> None:
    text = f"""[[trust.peer]]
name = "Anna"
id = "{ANNA}"
[[trust.peer]]
name = "Ben"
id = "{ANNA[:-1]}X"
role = "boss"
[[trust.peer]]
id = "{ANNA}"
"""
    role, wrong, name = problems(tmp_path, text)
    assert role.startswith(":7: [trust.peer.2] role = 'boss' is none of the kinds")
    assert wrong.startswith(":6: [trust.peer.2] id = ")
    assert "is no device id" in wrong
    assert name.startswith(":8: [trust.peer.3] name is no text")
    assert problems(tmp_path, "[trust]\npeer = 3\ncode_command = 'x'") == [
        ":2: [trust] peer = 3 must be tables; write [[trust.peer]] for each.",
        ':3: [trust] code_command = \'x\' is no list of texts; write ["first", "second"].',
    ]


def test_a_real_car_shows_no_simulated_road_or_sensors(tmp_path: Path) -> None:
    text = """
        [drivetrain]
        kind = "hbridge"
        [camera]
        source = "simulator"
        [sensors.distance]
    """
    source, sensors = problems(tmp_path, text)
    assert "would show a simulated road to the driver of a real car" in source
    assert "belongs to the simulated car" in sensors


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    assert len(problems(tmp_path, 'nmae = "x"\n[camera]\nwidth = 1\nheight = 1\n')) == 3


def test_a_file_that_is_no_toml_is_told_with_its_line(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "name = \n")
    assert "is no TOML" in problem
    assert "line 1" in problem


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml cannot be read"):
        load_config(tmp_path / "nowhere.toml")
