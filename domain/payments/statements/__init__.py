"""Statements of a wallet: what was posted on it between two days, as a file."""
