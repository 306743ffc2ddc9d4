"""The only ring that touches the world: Redis, RQ, files, YAML; and the ports' memory twins."""
