"""Chaos: a real fleet, killed, frozen and robbed of its server each second, and its bytes compared.

Here: the command `python -m tests.chaos` (`make chaos`), which anyone may run for as long as he
likes, and two measurements of the same kind (`--recovery`, `--restarts`). Not here: promises about
one fault at a time; they are tests of their own in `tests/integration`.
"""
