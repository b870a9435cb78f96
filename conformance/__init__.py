"""Suites no one here wrote, run against a live server: `make conformance`. See README.md."""
