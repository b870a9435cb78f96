"""Commands of screening, one verb a file."""
