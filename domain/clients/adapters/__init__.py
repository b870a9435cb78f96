"""What the clients context talks to outside, one file each."""
