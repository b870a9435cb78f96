"""What management sees over all contexts at once.

Figures of the dashboard, each one statement, over the rows that its reader may see: the row scopes
of the lists behind them hold. Money is never summed over currencies. Nothing here is written.
"""
