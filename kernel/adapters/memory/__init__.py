"""The ports in memory: the ledger of the memory profile, and of the simulator."""
