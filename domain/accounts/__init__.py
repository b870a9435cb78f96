"""Trading accounts: logins on platforms, their orders, deals, positions and live states.

Promises: a platform is reached only through its port and outside every transaction; an unknown
outcome is a state, never a failure; a deal is recorded once. Every change is an event of topic
ACCOUNT; balance and equity ticks are not events, they travel conflated on the `StateBus`.
"""
