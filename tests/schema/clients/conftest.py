"""The schema under test; see `tests.schema.people`."""

from tests.schema.people import ask, assembled, plans, world

__all__ = ["ask", "assembled", "plans", "world"]
