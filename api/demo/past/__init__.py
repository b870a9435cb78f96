"""Ninety days that the demo's brands look back on: people, money and trades, told day by day.

`people` decides who they are and what they do, from a fixed seed and the number of a day alone;
`telling` lets it happen, each day at the time it had.
"""
