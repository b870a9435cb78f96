"""Leads: people who left their details and are not clients yet.

Promises: a person is one lead of a brand, whatever number of times and ways it came (`rules` says
who is the same); where it came from first and last is kept; each lead has at most one owner, given
in turn to agents with room; a lead becomes a client once, never back. Nobody who leaves details
learns whether they were known: what a form sends is only stored, and sorted out by a consumer.
"""
