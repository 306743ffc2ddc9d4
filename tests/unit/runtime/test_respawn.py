"""When a process is started again: pauses double, loops are seen, long lives are forgiven."""

from __future__ import annotations

from kernel.runtime.respawn import LONG_S, LOOP_DEATHS, PAUSE_S_MAX, Respawn


def test_the_pause_doubles_up_to_a_bound() -> None:
    """Deaths that do not count are told apart from crashes, yet pause longer each time."""
    respawn = Respawn()
    pauses = [respawn.after_death(lived_s=0.1, counts=False) for _ in range(LOOP_DEATHS + 3)]

    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, PAUSE_S_MAX, PAUSE_S_MAX]


def test_too_many_short_lives_in_a_row_are_a_crash_loop() -> None:
    """However slow the starts are; deaths that do not count may lie in between."""
    respawn = Respawn()
    pauses = [
        respawn.after_death(lived_s=LONG_S - 0.1, counts=n % 2 == 0)
        for n in range(2 * LOOP_DEATHS - 1)
    ]

    assert None not in pauses[:-1]
    assert pauses[-1] is None


def test_a_process_that_lived_long_enough_begins_anew() -> None:
    """Its next death is answered as promptly as the first, and is the first of a loop."""
    respawn = Respawn()
    for _ in range(LOOP_DEATHS - 1):
        respawn.after_death(lived_s=0.1, counts=True)

    assert respawn.after_death(lived_s=LONG_S, counts=True) == 0.1
    assert respawn.after_death(lived_s=0.1, counts=True) == 0.2
