"""When a process is started again: pauses double, loops are seen, long lives are forgiven."""

from __future__ import annotations

from kernel.runtime.respawn import LOOP_DEATHS, LOOP_S, PAUSE_S_MAX, Respawn


def test_the_pause_doubles_up_to_a_bound() -> None:
    """Deaths that do not count are told apart from crashes, yet pause longer each time."""
    respawn = Respawn()
    pauses = [
        respawn.after_death(float(n), lived_s=0.1, counts=False) for n in range(LOOP_DEATHS + 3)
    ]

    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, PAUSE_S_MAX, PAUSE_S_MAX]


def test_too_many_deaths_in_a_short_time_are_a_crash_loop() -> None:
    """The last of five within ten seconds is answered by no further start."""
    respawn = Respawn()
    times = [LOOP_S * n / (LOOP_DEATHS - 1) for n in range(LOOP_DEATHS)]
    pauses = [respawn.after_death(time, lived_s=0.1, counts=True) for time in times]

    assert None not in pauses[:-1]
    assert pauses[-1] is None


def test_as_many_deaths_in_a_longer_time_are_none() -> None:
    """Only the last five are looked at."""
    respawn = Respawn()
    times = [n * (LOOP_S + 0.1) / (LOOP_DEATHS - 1) for n in range(4 * LOOP_DEATHS)]

    assert None not in [respawn.after_death(time, lived_s=0.1, counts=True) for time in times]


def test_a_process_that_lived_long_enough_begins_anew() -> None:
    """Its next death is answered as promptly as the first."""
    respawn = Respawn()
    for n in range(3):
        respawn.after_death(float(n), lived_s=0.1, counts=True)

    assert respawn.after_death(100.0, lived_s=LOOP_S, counts=True) == 0.1
