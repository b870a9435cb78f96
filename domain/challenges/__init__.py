"""Challenges of prop firms: programs, orders, phases, and the rules judged at each tick.

A rule set is a version that is snapshotted at purchase; what is judged is a pure function of it.
"""
