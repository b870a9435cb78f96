"""Compliance: who a client is (KYC), what is owed before money moves, and whom the lists name.

Decisions are rows in the order of the vendor's clock; the state of a client is derived from them.
"""
