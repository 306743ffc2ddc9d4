"""The ledger ring: the graph, its nodes, what they share."""
