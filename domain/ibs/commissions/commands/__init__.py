"""What can be done to plans and accruals, one verb per file. Each takes the work it runs in."""
