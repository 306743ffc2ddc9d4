"""Where rules and engine meet: the scenario graph, its nodes, the ports, and how partitions are scheduled."""
