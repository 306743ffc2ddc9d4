"""Ingress: the app that reads lines, fixes their one order and appends them to a ledger.

Nothing here decides about limits, and nothing flows back into it but the answers an online client
asked for. It stands on `kernel` and never imports `consumers`.
"""
