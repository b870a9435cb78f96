"""Forget equity points that no chart reaches back to."""

from datetime import timedelta

from sqlalchemy import delete

from domain.accounts.tables import equity_point
from tenants.work import WriteWork

KEPT_FOR = timedelta(days=400)


async def forget_points(work: WriteWork) -> None:
    """Delete the brand's points older than 400 days: a year of charts, and time to export it."""
    await work.rows(
        delete(equity_point).where(
            equity_point.c.brand_id == work.scope.brand_id,
            equity_point.c.at < work.now() - KEPT_FOR,
        )
    )
