"""What every context's schema stands on: scalars, permissions, pages, bindings, errors."""
