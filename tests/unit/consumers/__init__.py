"""Tests of turn, shift and operator on a ledger in memory."""
