"""Screening: names of clients against published sanctions lists, and what people decided of hits.

Everything here is a compartment: no client, no ib and no member of staff without `screening:read`
learns that a name was found, nor from what is missing elsewhere.
"""
