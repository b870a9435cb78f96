"""Reporting in GraphQL."""
