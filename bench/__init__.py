"""Benchmarks: figures of one run compared with each other, never with another day's."""
