"""Challenges in GraphQL."""
