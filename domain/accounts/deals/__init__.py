"""Deals as those who pay for them see them: by ticket, by what they closed, taken back or not."""
