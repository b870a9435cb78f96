"""Money: the ledger, the cashier over it, disputes and reconciliation.

Every movement of client money is a transfer in the ledger; what stands outside (PSPs, platforms)
is asked first with a hold in place, and its answer recorded after.
"""
