"""Calls to other machines, for the adapters of every context: time-outs, retries, breakers."""
