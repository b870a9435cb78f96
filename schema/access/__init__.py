"""Brands, legal entities, staff, sessions, API tokens, the viewer and the audit trail."""
