"""Clients in the API: registration, the client with notes and timeline, and its feed."""
