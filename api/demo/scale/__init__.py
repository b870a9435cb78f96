"""Brands in the numbers that the product is built for: `backdesk demo --scale reference|leads`.

The rows are made by the database out of their numbers, a stretch of a brand in a transaction, by
the commands of each context that fill; the benches and the tests of plans stand on the same ones.
"""

from api.demo.scale.load import load, load_leads, load_people, load_tree
from api.demo.scale.sizes import SIZES, Sizes, sizes_of

__all__ = ["SIZES", "Sizes", "load", "load_leads", "load_people", "load_tree", "sizes_of"]
