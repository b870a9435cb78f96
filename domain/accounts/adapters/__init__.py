"""How the port is met: one file per vendor, and what all outside calls have in common."""
