"""Trading accounts as the API shows them."""
