"""The door: HTTP, WebSocket and SSE edge, health, console command and the processes behind them.

No SQL on brand data and no business rules live here.
"""
