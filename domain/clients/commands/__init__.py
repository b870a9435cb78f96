"""What can be done to a client, one verb per file. Each takes the work it runs in."""
