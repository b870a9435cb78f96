"""The whole schema over a platform that does what it is told; see `tests.schema.accounts.desk`."""

from tests.schema.accounts.desk import ask, assembled, platform, stage, world

__all__ = ["ask", "assembled", "platform", "stage", "world"]
