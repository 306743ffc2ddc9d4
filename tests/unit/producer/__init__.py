"""Tests of the producer without a server."""
