"""What several suites lean on: the oracle, seeded streams, drivers. Nothing here is shipped."""
