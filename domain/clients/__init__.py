"""Clients: who trades with a brand. Owns registration, profile, staff notes and the timeline.

Promises: an e-mail is unique within a brand and says nothing about another brand; every change is
an event of topic CLIENT (`domain.clients.events`). Mails, those about passwords too, leave through
the port `Mailer`, by jobs that a consumer defers.
"""
