"""The business: one folder per context, beside the read engine (`reads`) and the pure `kernel`."""
