"""Fast tests of single modules: no network, no server, nothing that outlives the test."""
