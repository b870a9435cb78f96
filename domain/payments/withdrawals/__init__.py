"""Money out: held at once, approved by data, back to where it came from first."""
