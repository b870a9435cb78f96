"""The schema under test; see `tests.schema.people`."""

from tests.schema.people import ask, assembled, world

__all__ = ["ask", "assembled", "world"]
