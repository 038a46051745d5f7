"""The failsafe's words and numbers; docs/safety.md shows them as tables.

Plain constants without an import: the actuator process loads this at start.
"""

READY, DEGRADED, NEUTRAL, DISARMED, STOPPED = range(5)
STAGES = ("ready", "degraded", "neutral", "disarmed", "stopped")
"""From harmless to severe; a stage's number is its place here."""

LATE_AFTER = 0.1
"""Seconds without a command until the throttle may not grow: five lost commands at 50 Hz."""
NEUTRAL_AFTER = 0.25
"""Seconds without a command until the throttle is neutral; a car may say 0.15 to 0.5."""
SHORTEST_NEUTRAL, LONGEST_NEUTRAL = 0.15, 0.5
DISARM_AFTER = 1.0
"""Seconds without a command until the car is disarmed and the lease ends."""
CENTRE_AFTER = 0.15
"""Seconds that the steering is held after the throttle went neutral: a sudden
straight in the middle of a bend would throw the rolling car off the road."""
RECOVER_DEGRADED = 0.1
"""Seconds of good link until the throttle may grow again."""
RECOVER_NEUTRAL = 0.3
"""Seconds of good link until a throttle at neutral ends the neutral stage."""
RECOVER_DISARMED = 0.5
"""Seconds of good link until the car may be armed."""
OLDEST = 0.2
"""Seconds; a command, or the picture behind a pilot's command, that is older is refused."""
NEAR_NEUTRAL = 0.05
"""Throttle up to this counts as let go; sticks and pedals seldom rest at exactly 0."""
TOUCH = 0.15
"""A person's command beyond this takes over from the pilot."""
HELD_KEY = 0.5
"""Seconds between two calls to arm below which the second is a key that is held down;
keyboards repeat every 30 to 250 ms."""
POWER_AFTER = 1.0
"""Seconds that the enable line stays up after disarm or STOP, so that the bridge brakes."""

# Causes: one bit each, the most severe first.
STOP = 1 << 0
MOTORS = 1 << 1
AGENT = 1 << 2
GARBAGE = 1 << 3
LOST = 1 << 4
LEASE = 1 << 5
DISARM = 1 << 6
STARTED = 1 << 7
PILOT = 1 << 8
GONE = 1 << 9
SILENCE = 1 << 10
LATE = 1 << 11

FAILURES = MOTORS | AGENT | GARBAGE | LOST | PILOT | GONE | SILENCE
"""Causes that nobody pressed a key for."""

CAUSES: dict[int, tuple[int, str]] = {
    STOP: (STOPPED, "STOP was pressed."),
    MOTORS: (STOPPED, "The motors do not obey."),
    AGENT: (DISARMED, "The car's main program is gone."),
    GARBAGE: (DISARMED, "The motors' process was sent something that is no order."),
    LOST: (DISARMED, "No command came for 1 s, so the car was disarmed and the wheel is free."),
    LEASE: (DISARMED, "Whose turn it is to drive has changed."),
    DISARM: (DISARMED, "The car was disarmed by hand."),
    STARTED: (DISARMED, "The car has just started and was not armed yet."),
    PILOT: (NEUTRAL, "The pilot failed, so the throttle is neutral. Let go of it to drive on."),
    GONE: (
        NEUTRAL,
        "The driver's connection is gone, so the throttle is neutral. Let go of it to drive on.",
    ),
    SILENCE: (
        NEUTRAL,
        "No fresh command came, so the throttle is neutral. Let go of it to drive on.",
    ),
    LATE: (DEGRADED, "Commands come late, so the throttle does not grow."),
}
"""Cause -> the stage that it demands, and a sentence for a person."""

# Why a command does not reach the motors.
ACCEPTED = 0
WRONG_EPOCH = 1
STALE = 2
NOT_NEWER = 3
NOT_FINITE = 4
NOT_ARMED = 5
LET_GO = 6
PILOT_FAULT = 7
TAKEN_OVER = 8

# Why the car cannot be armed: one bit each, its number is the place of the bit, from 1.
NO_LEASE = 1 << 0
NO_COMMANDS = 1 << 1
YOUNG_LINK = 1 << 2
THROTTLE = 1 << 3
BAD_MOTORS = 1 << 4
NO_PROCESS = 1 << 5
KEY_HELD = 1 << 6
BATTERY = 1 << 7
DISK = 1 << 8
HEAT = 1 << 9

REFUSALS: dict[int, tuple[str, str]] = {
    NO_LEASE: ("Nobody, or somebody else, may drive.", "Take the wheel first."),
    NO_COMMANDS: (
        "No drive commands arrive.",
        "Take the keyboard or the gamepad; if you have, look at the link.",
    ),
    YOUNG_LINK: (
        "Commands have not come without a gap for half a second yet.",
        "Wait a moment; if it stays, come nearer to the car.",
    ),
    THROTTLE: ("The throttle is not at neutral.", "Let go of it."),
    BAD_MOTORS: (
        "The motors do not obey.",
        "Check the wiring and the car's log, then start pi-agent anew.",
    ),
    NO_PROCESS: (
        "The process that owns the motors is not there.",
        "Wait until it has started; if it stays, look into the car's log.",
    ),
    KEY_HELD: ("The Arm key is held down.", "Let go of it, and press it once."),
    BATTERY: ("The battery is low.", "Charge it, or change it."),
    DISK: ("The car's disk is full.", "Move recordings to the laptop."),
    HEAT: ("The car's computer is too hot.", "Let it cool down."),
}
"""Refusal -> a sentence and what to do."""


def stage_of(causes: int) -> int:
    """The stage that the most severe of some causes demands."""
    for cause, (stage, _) in CAUSES.items():
        if causes & cause:
            return stage
    return READY


def sentences_of(causes: int) -> tuple[str, ...]:
    """What a person is told, the most severe first."""
    return tuple(text for cause, (_, text) in CAUSES.items() if causes & cause)
