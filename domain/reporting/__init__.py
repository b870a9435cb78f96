"""What management sees over all contexts at once."""
