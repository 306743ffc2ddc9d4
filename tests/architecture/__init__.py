"""Tests of the shape: imports, sizes, names, what is packaged."""
