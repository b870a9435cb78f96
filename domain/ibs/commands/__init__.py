"""What can be done to an ib, one verb per file. Each takes the work it runs in."""
