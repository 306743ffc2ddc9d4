"""Fast tests of single modules: no file, no network, no process."""
