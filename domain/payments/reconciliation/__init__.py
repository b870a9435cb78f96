"""What others say about our money, beside what the ledger says: a difference is never silent."""
