"""Introducing brokers: a tree in which an ib sees itself and what hangs below it, nothing else.

The tree is a path of ids that ends in `/`, on the ib and on every row an ib may see, so that one
`starts_with` answers "is this mine" for row-level security.
"""
