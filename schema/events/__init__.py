"""Feeds: events pulled page by page, and what contexts declare their subscriptions with."""
