"""Identity: who a client is, proven by a vendor or by papers, and what may follow from it."""
