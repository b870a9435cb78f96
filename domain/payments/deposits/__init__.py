"""Money in: credited is what the PSP says it received."""
