"""What money does when platforms speak: transfers end, deals are booked."""

from collections.abc import Sequence
from uuid import UUID

from domain.accounts.events import TOPIC, AccountEventKind
from domain.events.consumers import Consumer
from domain.events.values import EventRow
from domain.payments.transfers.commands.book_deals import book_deals
from domain.payments.transfers.commands.settle_protection import settle_protection
from domain.payments.transfers.commands.settle_transfer import settle_transfers
from tenants.work import WriteWork


async def _later(_work: WriteWork, _event: EventRow) -> None:
    """Everything is done for all events of the transaction at once, when it is finished."""


async def _settle(work: WriteWork, events: Sequence[EventRow]) -> None:
    await settle_transfers(work, events)


async def _book(work: WriteWork, events: Sequence[EventRow]) -> None:
    await book_deals(work, [UUID(one.payload["deal_id"]) for one in events])


async def _protect(work: WriteWork, events: Sequence[EventRow]) -> None:
    await settle_protection(work, events)


_OUTCOMES = frozenset(
    {
        AccountEventKind.BALANCE_MOVED.value,
        AccountEventKind.BALANCE_UNKNOWN.value,
        AccountEventKind.REQUEST_REFUSED.value,
    }
)
_DEALS = frozenset(
    {
        AccountEventKind.DEAL_OPENED.value,
        AccountEventKind.DEAL_CLOSED.value,
        AccountEventKind.DEAL_CANCELLED.value,
        AccountEventKind.BALANCE_CHANGED.value,
    }
)
_TOPICS = frozenset({TOPIC})

TRANSFERS = Consumer("payments.transfers", _TOPICS, _later, kinds=_OUTCOMES, finish=_settle)
DEALS = Consumer("payments.deals", _TOPICS, _later, kinds=_DEALS, finish=_book)
PROTECTION = Consumer("payments.protection", _TOPICS, _later, kinds=_OUTCOMES, finish=_protect)
CONSUMERS = (TRANSFERS, DEALS, PROTECTION)
