"""Input and output on real files and real pipes."""
