"""The simulator: the real turn, shift and sequencer on the memory ledger, by a seeded scheduler.

`python -m tests.simulation --seed 7` replays one seed with its log, `--seeds 500` plays many and
prints a table. What is played and what must hold at the end: `play.py`.
"""
