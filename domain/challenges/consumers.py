"""What challenges do when something happened: in payments, on accounts, to challenges."""

from collections.abc import Sequence
from uuid import UUID

from domain.accounts.events import TOPIC as ACCOUNT
from domain.accounts.events import AccountEventKind
from domain.challenges.commands.begin_phase import begin_phase, refuse_account
from domain.challenges.commands.settle_order import settle_order
from domain.challenges.commands.start_challenge import start_challenge
from domain.challenges.events import TOPIC, ChallengeEventKind
from domain.challenges.jobs import CLOSE, PAUSE, QUEUE, REFUND, defer_held, defer_phase
from domain.events.consumers import Consumer
from domain.events.jobs import defer
from domain.events.values import EventRow
from domain.payments.events import DEPOSIT_TOPIC
from domain.payments.ledger.post import post
from domain.payments.ledger.values import Transfer
from tenants.work import WriteWork

_K = ChallengeEventKind
_ENDS = (_K.PHASE_BREACHED, _K.PHASE_EXPIRED, _K.PHASE_CANCELLED, _K.PHASE_PASSED)
_PAUSES = (_K.PHASE_PAUSED, _K.PHASE_RESUMED)


async def _nothing(_work: WriteWork, _event: EventRow) -> None:
    """All of it is done at the end, where the ledger may be posted to once."""


async def _settle(work: WriteWork, events: Sequence[EventRow]) -> None:
    transfers: list[Transfer] = []
    for event in events:
        if "purchase_id" in event.payload:
            transfers += await settle_order(work, event.kind, event.payload)
    await post(work, transfers)


async def _account(work: WriteWork, event: EventRow) -> None:
    assert event.object_id is not None, "an event of an account names it"
    if event.kind == AccountEventKind.OPENED:
        await begin_phase(work, event.object_id)
    else:
        await refuse_account(work, event.object_id, str(event.payload.get("reason_code")))


async def _challenge(work: WriteWork, event: EventRow) -> None:
    if event.kind == _K.ORDER_PAID:
        await start_challenge(work, UUID(event.payload["purchase_id"]))
    elif event.kind == _K.ORDER_REFUNDING:
        order_id = event.payload["purchase_id"]
        # Said each time that staff ask for it: also of one that the PSP has refused before.
        args = {"order_id": order_id, "anew": True}
        await defer(work, REFUND, args, key=order_id, queue=QUEUE)
    elif event.kind == _K.LIQUIDATION_RESUMED:
        await defer_held(work)
    else:
        job = PAUSE if event.kind in _PAUSES else CLOSE
        await defer_phase(work, job, event.payload["phase_id"])


PAYMENTS = Consumer("challenges.payments", frozenset({DEPOSIT_TOPIC}), _nothing, finish=_settle)
ACCOUNTS = Consumer(
    "challenges.accounts",
    frozenset({ACCOUNT}),
    _account,
    kinds=frozenset({AccountEventKind.OPENED.value, AccountEventKind.OPEN_FAILED.value}),
)
FOLLOWING = Consumer(
    "challenges.following",
    frozenset({TOPIC}),
    _challenge,
    kinds=frozenset(
        kind.value
        for kind in (
            _K.ORDER_PAID,
            _K.ORDER_REFUNDING,
            _K.LIQUIDATION_RESUMED,
            *_ENDS,
            *_PAUSES,
        )
    ),
)
CONSUMERS = (PAYMENTS, ACCOUNTS, FOLLOWING)
