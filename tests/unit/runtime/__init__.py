"""Tests of the processes' own parts that need no second process."""
