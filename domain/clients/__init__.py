"""Clients: who trades with a brand. Owns registration, profile, staff notes and the timeline.

Promises: an e-mail is unique within a brand and says nothing about another brand; every change is
an event of topic CLIENT. Events: `registered`, `email_verified`, `profile_changed`, `note_added`.
"""
