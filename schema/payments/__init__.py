"""Wallets, payments, approvals, disputes and the books as the API shows them."""
