"""One file per vendor; only these speak HTTP."""
