"""Commissions: versioned plans, and what each closed deal earns the line that brought its client.

What a deal earns is decided by the hierarchy, the plan and the exchange rate in force when it
closed, never by later ones, so that the same deals give the same accruals whenever they are judged.
"""
