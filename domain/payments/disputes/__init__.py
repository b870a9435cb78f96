"""Disputed deposits: what a bank takes back, what the client still has, and what remains a debt."""
