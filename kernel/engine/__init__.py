"""A small stream engine: envelopes, routing, a runner, observers.

What lives here: how an envelope finds its nodes, what a node may see, who may watch, and what
leaves the group. What must not: anything about fund loads, and any I/O. The engine is pure and uses
the standard library alone, so that the memory profile, the fleet's workers and the simulator run
exactly the same code.
"""
