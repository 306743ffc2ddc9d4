"""Processes: what starts, wires, watches and ends them. The only ring that knows all the others."""
