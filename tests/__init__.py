"""Tests, by cost: architecture and unit (no I/O), contract, integration, simulation, e2e, bench."""
