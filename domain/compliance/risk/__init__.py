"""How risky a client is held to be, from what is known of it."""
