"""The cashier's window; see `tests.schema.payments.window`."""

from tests.schema.payments.window import ask, assembled, counter, till, world

__all__ = ["ask", "assembled", "counter", "till", "world"]
