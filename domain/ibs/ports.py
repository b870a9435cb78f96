"""What the tree of ibs asks of what is built on it."""

from typing import Protocol
from uuid import UUID

from tenants.work import WriteWork


class CheckPlace(Protocol):
    """Refuses a place where an ib's plan would not fit.

    Implemented by `domain.ibs.commissions.line.check_place`.
    """

    async def __call__(self, work: WriteWork, ib_id: UUID, path: str) -> None: ...
