"""Where rules and engine meet: graph, nodes, ports, and how partitions are scheduled."""
