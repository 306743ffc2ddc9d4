"""Limits and egress: the app that decides appended attempts and writes the answers in input order.

Workers and the collector live here because both consume: one the partition logs, the other the
reply channel. It stands on `kernel` and never imports `producer`.
"""
