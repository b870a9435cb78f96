"""What the cashier asks of the worker. Each slice has one function here and a place in `SLICES`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

import structlog

from api.challenges import register_challenges
from api.psps import Psps, open_psps
from api.rounds import each_brand
from api.worker import Worker
from domain.payments import notices
from domain.payments.deposits import jobs as deposits
from domain.payments.disputes import jobs as disputes
from domain.payments.ledger import snapshots
from domain.payments.notices import Handle
from domain.payments.psp_values import NoticeKind
from domain.payments.reconciliation import rounds as reconciliation
from domain.payments.transfers import consumers as transfers
from domain.payments.transfers import rounds
from domain.payments.withdrawals import jobs as withdrawals
from domain.payments.withdrawals.consumers import RISKS
from tenants.secrets import Vault
from tenants.work import Database

_log = structlog.get_logger(__name__)
_POLL_EVERY_S = 20.0
_FOLD_EVERY_S = 120.0
_VERIFY_EVERY_S = 60.0
_RESUME_EVERY_S = 60.0
_SETTLEMENTS_EVERY_S = 3600.0
_AGEING_EVERY_S = 300.0
_PROVE_EVERY_S = 120.0
_PROTECT_EVERY_S = 10.0

Round = Callable[[Database, UUID], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Cashier:
    """What the slices share: the worker, its PSPs, and who acts on which kind of notice."""

    worker: Worker
    vault: Vault
    psps: Psps
    handlers: dict[NoticeKind, Handle] = field(default_factory=dict)

    def every(self, seconds: float, name: str, run: Round) -> None:
        """Make a round over all brands every so often; what it did is logged by its count."""

        async def of_brand(brand_id: UUID) -> None:
            count = await run(self.worker.database, brand_id)
            if count:
                _log.info("round_made", round=name, brand=brand_id.hex, count=count)

        whole = partial(each_brand, name, self.worker.database, of_brand)
        self.worker.every(seconds, name, whole)


Slice = Callable[[Cashier], None]


def register_payments(worker: Worker) -> None:
    """Everything of the cashier: its slices, and the notices they act on."""
    vault = Vault(worker.settings.home.secrets().master_key)
    psps = open_psps(vault, sandbox_url=worker.settings.sandbox_url)
    cashier = Cashier(worker, vault, psps)
    for register in SLICES:
        register(cashier)
    refunds = cashier.handlers.get(NoticeKind.REFUND)
    cashier.handlers[NoticeKind.REFUND] = deposits.after_refund(refunds)
    worker.consumers.append(notices.NOTICES)
    worker.jobs.include(notices.jobs_over(psps, cashier.handlers))
    cashier.every(_RESUME_EVERY_S, "stuck notices", notices.resume_notices)


def register_deposits(cashier: Cashier) -> None:
    """Deposits are started at their PSP, pulled when it says so, and polled when it is silent."""
    cashier.worker.consumers.append(deposits.CREATED)
    cashier.worker.jobs.include(deposits.jobs_over(cashier.psps))
    cashier.handlers[NoticeKind.PAYMENT] = deposits.act_on_payment
    cashier.every(_POLL_EVERY_S, "silent deposits", deposits.Polls())


def register_transfers(cashier: Cashier) -> None:
    """Transfers end and deals are booked as platforms speak; balances are proven and protected."""
    platforms = cashier.worker.platforms
    cashier.worker.consumers.extend(transfers.CONSUMERS)

    async def prove(database: Database, brand_id: UUID) -> int:
        return await rounds.prove_day(database, platforms, brand_id)

    async def protect(database: Database, brand_id: UUID) -> int:
        return await rounds.protect_balances(database, platforms, brand_id)

    cashier.every(_PROVE_EVERY_S, "balance proofs", prove)
    cashier.every(_PROTECT_EVERY_S, "negative balances", protect)
    cashier.every(_RESUME_EVERY_S, "doubtful transfers", rounds.tell_doubtful)


def register_withdrawals(cashier: Cashier) -> None:
    """What was approved is sent to its PSPs and followed until it is there; the rest expires."""
    psps, vault = cashier.psps, cashier.vault
    cashier.worker.consumers.extend([withdrawals.APPROVED, RISKS])
    cashier.worker.jobs.include(withdrawals.jobs_over(psps, vault))
    for kind in (NoticeKind.REFUND, NoticeKind.PAYOUT):
        cashier.handlers[kind] = withdrawals.on_notice(psps, vault)
    cashier.every(_POLL_EVERY_S, "silent legs", withdrawals.poll_legs)
    cashier.every(_RESUME_EVERY_S, "expired withdrawals", withdrawals.end_waiting)


def register_ledger(cashier: Cashier) -> None:
    """The books: balances of the house are folded, and every invariant is watched."""
    cashier.every(_FOLD_EVERY_S, "ledger snapshots", snapshots.take_snapshots)
    cashier.every(_VERIFY_EVERY_S, "ledger findings", snapshots.RunningVerification())


def register_disputes(cashier: Cashier) -> None:
    """Disputes are booked as their PSPs state them; evidence is sent."""
    cashier.worker.consumers.append(disputes.EVIDENCE)
    cashier.worker.jobs.include(disputes.jobs_over(cashier.psps))
    cashier.handlers[NoticeKind.DISPUTE] = disputes.handle_notice


def register_reconciliation(cashier: Cashier) -> None:
    """Settlements are fetched as days end, and clearing accounts watched for what waits."""

    async def pull(database: Database, brand_id: UUID) -> int:
        return await reconciliation.pull_settlements(database, cashier.psps, brand_id)

    cashier.every(_SETTLEMENTS_EVERY_S, "settlements", pull)
    cashier.every(_AGEING_EVERY_S, "aged clearing accounts", reconciliation.check_ageing)


SLICES: tuple[Slice, ...] = (
    register_ledger,
    register_deposits,
    register_withdrawals,
    register_transfers,
    register_disputes,
    register_reconciliation,
    register_challenges,
)
