"""Bring a deposit to where its PSP says it is: status, money, differences."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.clients.standing import lock_client
from domain.kernel.money import Money
from domain.payments.commands.record_payment import advance, change
from domain.payments.deposits.queries import find_offer, sum_sent_back
from domain.payments.deposits.rules import (
    GIVEN_UP,
    IN_SUSPENSE,
    SILENT_AFTER,
    decide,
    deposit_subject,
)
from domain.payments.deposits.values import Deposit, Finding, SentBack, Verdict
from domain.payments.disputes.queries import receivable
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.post import post
from domain.payments.ledger.queries import find_client_wallet
from domain.payments.ledger.values import AccountKey, LedgerAccountKind, Leg, Transfer
from domain.payments.psp_values import PspPayment
from domain.payments.queries import lock_payment
from domain.payments.reconciliation.commands.open_discrepancy import open_discrepancy
from domain.payments.reconciliation.commands.settle_discrepancies import settle_discrepancies
from domain.payments.values import DiscrepancyKind, PaymentKind, PaymentStatus
from tenants.work import WriteWork


@dataclass(frozen=True, slots=True)
class _Books:
    """Where the money of a deposit goes: ledger accounts in the currency that was received."""

    home: AccountKey
    clearing: AccountKey
    fees: AccountKey
    owed: AccountKey
    ids: dict[AccountKey, UUID]

    @property
    def is_wallet(self) -> bool:
        return self.home.kind is LedgerAccountKind.CLIENT_WALLET

    @property
    def is_suspended(self) -> bool:
        return self.home.kind is LedgerAccountKind.SUSPENSE

    def leg(self, key: AccountKey, amount_minor: int) -> Leg:
        return Leg(self.ids[key], Money(amount_minor, key.currency))


async def settle_deposit(
    work: WriteWork, payment_id: UUID, connection_id: UUID, state: PspPayment
) -> bool:
    """Apply the PSP's state of a deposit, however often and in whatever order states come.

    Credited is what the PSP received, in the currency it received: to the client's wallet in that
    currency, or to SUSPENSE when the brand keeps none. What the PSP gave back by itself is taken
    from the wallet, and what the wallet lacks becomes the client's debt; once the PSP has it again,
    the debt goes first and the rest is back in the wallet. What is paid for a purchase is no money
    of a wallet: it comes to PURCHASE_PREPAID, and is taken from there. False when there is no
    such deposit at that connection. Effects: events of what changed, transfers, discrepancies.
    Refusals: INSUFFICIENT_FUNDS when the wallet was used meanwhile; apply it again.
    """
    row = await lock_payment(work, payment_id)
    if row is None or row["kind"] != PaymentKind.DEPOSIT or row["connection_id"] != connection_id:
        return False
    if row["ext_id"] not in (None, state.id) or state.reference != row["id"].hex:
        return False
    deposit = _deposit(row)
    moved_back = state.refunded.amount_minor or deposit.taken_back_minor
    sent_back = await sum_sent_back(work, payment_id) if moved_back else SentBack()
    verdict = decide(deposit, state, sent_back=sent_back)
    if verdict.is_stale or not _is_new(row, state, verdict):
        return True
    books = await _books(work, row, verdict) if verdict.credited else None
    await _record(work, row, state, verdict, books)
    await _tell(work, row, verdict, books)
    if books is not None:
        await post(work, await _transfers(work, row, state, verdict, books))
    return True


def _deposit(row: dict[str, Any]) -> Deposit:
    credited = None
    if row["credited_currency"] is not None:
        credited = Money(int(row["credited_minor"]), row["credited_currency"])
    return Deposit(
        status=PaymentStatus(row["status"]),
        asked=Money(int(row["amount_minor"]), row["currency"]),
        fee_minor=int(row["fee_minor"]),
        credited=credited,
        refunded_minor=int(row["refunded_minor"]),
        taken_back_minor=int(row["taken_back_minor"]),
        version=row["ext_version"],
    )


def _is_new(row: dict[str, Any], state: PspPayment, verdict: Verdict) -> bool:
    return state.version > row["ext_version"] or bool(
        verdict.statuses or verdict.credit or verdict.take_back
    )


async def _books(work: WriteWork, row: dict[str, Any], verdict: Verdict) -> _Books:
    assert verdict.credited is not None
    currency, client_id = verdict.credited.currency, row["client_id"]
    home = await _home(work, row, currency)
    clearing = AccountKey.of(LedgerAccountKind.PSP_CLEARING, currency, row["connection_id"])
    fees = AccountKey.of(LedgerAccountKind.FEE_REVENUE, currency)
    owed = AccountKey.owed_by(client_id, currency)
    wanted = [home, clearing]
    if verdict.fee:
        wanted.append(fees)
    if verdict.take_back and home.kind is LedgerAccountKind.CLIENT_WALLET:
        wanted.append(owed)
    return _Books(home, clearing, fees, owed, await ledger_accounts(work, wanted))


async def _home(work: WriteWork, row: dict[str, Any], currency: str) -> AccountKey:
    """Where its money is, or where the first of it goes. A purchase has no wallet unless staff
    gave it to the wallet out of suspense."""
    is_first, is_asked = row["credited_currency"] is None, currency == row["currency"]
    is_kept = is_asked if is_first else row["reason_code"] != IN_SUSPENSE
    if row["purchase_id"] is not None and row["wallet_id"] is None:
        kind = LedgerAccountKind.PURCHASE_PREPAID if is_kept else LedgerAccountKind.SUSPENSE
        return AccountKey.of(kind, currency)
    if not is_kept and is_first:
        is_kept = currency in (await find_offer(work)).currencies
    if is_kept:
        return AccountKey.wallet(row["client_id"], currency)
    return AccountKey.of(LedgerAccountKind.SUSPENSE, currency)


async def _record(
    work: WriteWork,
    row: dict[str, Any],
    state: PspPayment,
    verdict: Verdict,
    books: _Books | None,
) -> None:
    changed = _changed(work, row, state, verdict, books)
    more = {}
    if verdict.credit is not None:
        more = {
            "credit_minor": str(verdict.credit.amount_minor),
            "credit_currency": verdict.credit.currency,
        }
    if not verdict.statuses:
        await change(work, row, changed)
    for status in verdict.statuses:
        row = await advance(work, row, status, changed=changed, more=more)
        changed, more = {}, {}


def _changed(
    work: WriteWork,
    row: dict[str, Any],
    state: PspPayment,
    verdict: Verdict,
    books: _Books | None,
) -> dict[str, Any]:
    changed: dict[str, Any] = {
        "ext_id": state.id,
        "ext_version": state.version,
        "checkout_url": state.checkout_url,
        "expires_at": state.expires_at,
    }
    if verdict.statuses:
        changed["reason_code"] = state.failure_code
    if state.source is not None:
        changed |= {"source_id": state.source.id, "source_label": state.source.label}
    if state.received is not None:
        received = state.received
        changed |= {
            "received_minor": received.amount_minor, "received_currency": received.currency
        }  # fmt: skip
    if books is None or verdict.credited is None:
        return changed
    taken = verdict.take_back.amount_minor if verdict.take_back else 0
    changed |= {
        "credited_minor": verdict.credited.amount_minor,
        "credited_currency": verdict.credited.currency,
        "refunded_minor": verdict.refunded_minor,
        "taken_back_minor": int(row["taken_back_minor"]) + taken,
        "settled_at": row["settled_at"] or work.now(),
        "reason_code": IN_SUSPENSE if books.is_suspended else None,
    }
    if books.is_wallet:
        changed["wallet_id"] = books.ids[books.home]
    return changed


async def _tell(
    work: WriteWork, row: dict[str, Any], verdict: Verdict, books: _Books | None
) -> None:
    subject = deposit_subject(row["id"])
    if _is_answered(work, row, verdict):
        told = {DiscrepancyKind.OUTCOME_UNKNOWN: [subject]}
        await settle_discrepancies(work, told, resolution="The payment provider has answered.")
    for finding in verdict.findings:
        if finding.expected == finding.actual:
            made_good = {finding.kind: [subject]}
            await settle_discrepancies(work, made_good, resolution="The rest came.")
            continue
        is_suspended = books is not None and books.is_suspended
        kind = _kind(finding, is_suspended=is_suspended)
        await open_discrepancy(
            work,
            kind,
            subject=subject,
            payment_id=row["id"],
            connection_id=row["connection_id"],
            expected=finding.expected,
            actual=finding.actual,
            facts={"reference": row["reference"]},
        )


def _is_answered(work: WriteWork, row: dict[str, Any], verdict: Verdict) -> bool:
    """Whether the state ends a doubt that staff may have been told of. One given up is in doubt
    until its money comes; of one that is young nobody was told."""
    is_told = work.now() - row["created_at"] > SILENT_AFTER
    return is_told and (verdict.credit is not None or row["status"] not in GIVEN_UP)


def _kind(finding: Finding, *, is_suspended: bool) -> DiscrepancyKind:
    """Money in suspense is more than another amount: somebody must say whose it is."""
    if finding.kind is DiscrepancyKind.AMOUNT_DIFFERS and is_suspended:
        return DiscrepancyKind.CURRENCY_DIFFERS
    return finding.kind


async def _transfers(
    work: WriteWork, row: dict[str, Any], state: PspPayment, verdict: Verdict, books: _Books
) -> list[Transfer]:
    """Each under a key of the total it leads to, so that no total is reached twice."""
    assert verdict.credited is not None
    key, psp_total = f"deposit:{row['id'].hex}", verdict.credited.amount_minor
    source = f"psp:{row['connection_id'].hex}"
    client_id = row["client_id"] if books.is_wallet else None
    meta = {"payment_id": str(row["id"]), "psp_id": state.id}
    if state.fee is not None and state.fee.currency == verdict.credited.currency:
        # What the PSP keeps: its settlement is held against it.
        meta["psp_fee_minor"] = str(state.fee.amount_minor)
    made = []

    def moved(what: str, kind: str, total: int, legs: list[Leg]) -> None:
        made.append(
            Transfer(
                f"{key}:{what}:{total}",
                kind,
                legs,
                source=source,
                external_id=f"{state.id}:{what}:{total}",
                client_id=client_id,
                meta=meta,
            )
        )

    if verdict.credit is not None:
        amount = verdict.credit.amount_minor
        legs = [books.leg(books.home, amount), books.leg(books.clearing, -amount)]
        moved("settle", "DEPOSIT", psp_total, legs)
    if verdict.fee is not None:
        fee = verdict.fee.amount_minor
        legs = [books.leg(books.home, -fee), books.leg(books.fees, fee)]
        moved("fee", "DEPOSIT_FEE", min(int(row["fee_minor"]), psp_total), legs)
    if verdict.take_back is not None:
        total = int(row["taken_back_minor"]) + verdict.take_back.amount_minor
        # It may come to the same total again: each change of the row has a key of its own.
        what = f"taken:{row['version']}"
        moved(what, "DEPOSIT_REFUND", total, await _taken(work, row, verdict, books))
    return made


async def _taken(
    work: WriteWork, row: dict[str, Any], verdict: Verdict, books: _Books
) -> list[Leg]:
    """The PSP owes us less: the wallet pays what it has, the client owes the rest. Or more again:
    the client's debt is less by it, and the wallet has the rest."""
    assert verdict.take_back is not None
    due = verdict.take_back.amount_minor
    paid = due
    if books.is_wallet and due < 0:
        # Behind the deposit's own row, so that it may meet a withdrawal of the client the other
        # way round; the work that loses is run again. It is as rare as a PSP that changes its mind.
        await lock_client(work, row["client_id"])
        owed = await receivable(work, row["client_id"], books.home.currency)
        paid = min(0, due + max(0, -owed))
    elif books.is_wallet:
        wallet = await find_client_wallet(work, row["client_id"], books.home.currency)
        assert wallet is not None, "it was opened just now"
        credit = verdict.credit.amount_minor if verdict.credit else 0
        fee = verdict.fee.amount_minor if verdict.fee else 0
        paid = min(due, max(0, wallet.available.amount_minor + credit - fee))
    legs = [(books.clearing, due), (books.home, -paid), (books.owed, paid - due)]
    return [books.leg(key, amount) for key, amount in legs if amount]
