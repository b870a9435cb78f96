"""Deals and cash of the event log as events for the rules; their number in the log is the order."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from domain.accounts.events import TOPIC, AccountEventKind
from domain.accounts.values import DealEntry
from domain.challenges.values import CashMoved, Dealt, RuleEvent
from domain.events.values import EventRow, Feed

_KINDS: Final = (
    AccountEventKind.DEAL_OPENED,
    AccountEventKind.DEAL_CLOSED,
    AccountEventKind.BALANCE_CHANGED,
)
DEALS: Final = Feed(
    "challenges", frozenset({TOPIC}), kinds=frozenset(kind.value for kind in _KINDS)
)


def rule_event(event: EventRow) -> RuleEvent | None:
    """What an event of an account is to its phase; None for what no rule counts: credit, and the
    first money on an empty account."""
    told: Any = event.payload
    entry, at = DealEntry(told["entry"]), datetime.fromisoformat(told["at"])
    balance = int(told["balance_after_minor"])
    if entry is DealEntry.CREDIT:
        return None
    if entry is DealEntry.BALANCE:
        amount = int(told["profit_minor"])
        return None if amount == balance else CashMoved(event.seq, at, amount, balance)
    return Dealt(event.seq, at, entry, str(told["position"]), Decimal(told["lots"]), balance)
