"""Introducing brokers in the API: the tree, and what it introduced."""
