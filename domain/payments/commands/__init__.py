"""What all kinds of payments do: come into being and move from status to status."""
