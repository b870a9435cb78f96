"""What can be done to a lead, one verb per file. Each takes the work it runs in."""
