"""How an ib does over time: clients, lots and commissions by day, week or month."""
