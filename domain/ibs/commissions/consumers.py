"""What commissions do when platforms speak: a closed deal is judged, a cancelled one reversed."""

from uuid import UUID

from domain.accounts.events import TOPIC, AccountEventKind
from domain.accounts.values import AccountKind
from domain.events.consumers import Consumer
from domain.events.values import EventRow
from domain.ibs.commissions.commands.judge_deal import judge_deal
from domain.ibs.commissions.commands.reverse_deal import reverse_deal
from tenants.work import WriteWork


async def _react(work: WriteWork, event: EventRow) -> None:
    """Only LIVE accounts earn anybody anything."""
    if event.payload["account_kind"] != AccountKind.LIVE:
        return
    deal_id = UUID(event.payload["deal_id"])
    if event.kind == AccountEventKind.DEAL_CANCELLED:
        await reverse_deal(work, deal_id)
    else:
        await judge_deal(work, deal_id)


ACCRUALS = Consumer(
    "ibs.accruals",
    frozenset({TOPIC}),
    _react,
    kinds=frozenset({AccountEventKind.DEAL_CLOSED.value, AccountEventKind.DEAL_CANCELLED.value}),
)
