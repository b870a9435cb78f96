"""Money between a client's own wallets and trading accounts, conversion, and what deals move."""
