"""One file a vendor."""
