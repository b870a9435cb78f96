"""Compliance in GraphQL."""
