"""Who asks, for which brand, with which rights, and in which transaction.

`work.py` is the one transaction boundary; nothing else begins, commits or sets the brand.
"""
