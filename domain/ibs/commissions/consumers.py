"""What commissions do when platforms speak: a closed deal is judged, a cancelled one reversed."""

from collections.abc import Sequence
from uuid import UUID

from domain.accounts.events import TOPIC, AccountEventKind
from domain.accounts.values import AccountKind
from domain.events.consumers import Consumer
from domain.events.values import EventRow
from domain.ibs.commissions.commands.judge_deal import judge_deals
from domain.ibs.commissions.commands.reverse_deal import reverse_deal
from tenants.work import WriteWork


async def _nothing(_work: WriteWork, _event: EventRow) -> None:
    """Deals are judged together, at the end."""


async def _react(work: WriteWork, events: Sequence[EventRow]) -> None:
    """Only LIVE accounts earn anybody anything."""
    told = [one for one in events if one.payload["account_kind"] == AccountKind.LIVE]
    cancels = [one for one in told if one.kind == AccountEventKind.DEAL_CANCELLED]
    closed = [_deal(one) for one in told if one.kind != AccountEventKind.DEAL_CANCELLED]
    await judge_deals(work, closed)
    for one in cancels:
        await reverse_deal(work, _deal(one))


def _deal(event: EventRow) -> UUID:
    return UUID(event.payload["deal_id"])


ACCRUALS = Consumer(
    "ibs.accruals",
    frozenset({TOPIC}),
    _nothing,
    kinds=frozenset({AccountEventKind.DEAL_CLOSED.value, AccountEventKind.DEAL_CANCELLED.value}),
    finish=_react,
)
