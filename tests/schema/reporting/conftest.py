"""The whole schema over the feeds of production; see `tests.schema.payments.window`."""

from tests.schema.payments.window import ask, assembled, till, world

__all__ = ["ask", "assembled", "till", "world"]
