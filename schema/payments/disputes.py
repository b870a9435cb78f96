"""Disputes: what staff can do about them, and how many there are."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import strawberry

from domain.kernel.errors import Invalid
from domain.kernel.ids import encode_id
from domain.payments.disputes import queries
from domain.payments.disputes.commands.repay_debt import repay_debt
from domain.payments.disputes.commands.submit_evidence import submit_evidence
from domain.payments.disputes.queries import chargeback_ratios
from schema.accounts.asking import KEY, SHARED, ask, key_of, replayed
from schema.clients.types import Client
from schema.payments.back_office import Dispute, MerchantAccount
from schema.shared.bind import Info, fetch, fetch_below, field
from schema.shared.errors import mutation, payload, result
from schema.shared.permission import public
from schema.shared.scalars import Money, MoneyInput
from schema.shared.span import EARLIEST
from tenants.work import WriteWork

_RANGE, _AHEAD = timedelta(days=366 * 2), timedelta(days=366)


@strawberry.input(description="What is said about a disputed deposit.")
class DisputeEvidenceSubmitInput:
    idempotency_key: str = strawberry.field(description=KEY)
    dispute_id: strawberry.ID = strawberry.field(description="The dispute.")
    text: str = strawberry.field(description="What to tell the bank, at most 20,000 characters.")


@strawberry.input(description="A debt to be paid back out of the wallet.")
class DebtRepayInput:
    idempotency_key: str = strawberry.field(description=KEY)
    client_id: strawberry.ID = strawberry.field(description="Whose debt it is.")
    amount: MoneyInput = strawberry.field(description="How much, in the currency of the debt.")
    reason: str = strawberry.field(description="Why, at most 500 characters: who asked for it.")


@strawberry.type(
    description="Disputes over deposits of one merchant account in one month (UTC).",
    directives=public(),
)
class ChargebackRatio:
    month: date = strawberry.field(description="The first day of the month.")
    deposits: int = strawberry.field(description="Deposits settled in it.")
    disputes: int = strawberry.field(description="Disputes opened in it.")
    ratio: Decimal | None = strawberry.field(
        description="Disputes over deposits, six decimals; null in a month without deposits."
    )
    subject: strawberry.Private[UUID]

    @field("The merchant account.", needs="reconciliation:read")
    async def merchant_account(self, info: Info) -> MerchantAccount | None:
        found: MerchantAccount | None = await fetch(info, "psp_connection", self.subject)
        return found


@payload(
    errors={
        **SHARED,
        "DISPUTE_CLOSED": "The dispute is decided.",
        "EVIDENCE_TOO_LATE": "The time for evidence is over, see `evidenceDueAt`.",
    }
)
class DisputeEvidenceSubmitPayload:
    dispute: Dispute | None = result("The dispute, with the evidence on its way.")
    replayed: bool = replayed()


@payload(
    errors={
        **SHARED,
        "MORE_THAN_OWED": "The client owes less than that for lost disputes.",
        "INSUFFICIENT_FUNDS": "There is not that much available in the wallet.",
    }
)
class DebtRepayPayload:
    client: Client | None = result("The client.")
    debt: Money | None = result("What the client owes still, in that currency.")
    replayed: bool = replayed()


_Evidence = Annotated[
    DisputeEvidenceSubmitInput, strawberry.argument(description="The dispute and the text.")
]
_Debt = Annotated[DebtRepayInput, strawberry.argument(description="The client and the amount.")]
_From = Annotated[date, strawberry.argument(name="from", description="First day, in UTC.")]
_To = Annotated[date, strawberry.argument(description="Last day, included; two years at most.")]


@strawberry.type
class DisputeMutations:
    @mutation(
        "Send evidence about a disputed deposit to the payment provider.", needs="disputes:manage"
    )
    async def dispute_evidence_submit(
        self, info: Info, input: _Evidence
    ) -> DisputeEvidenceSubmitPayload:
        dispute_id = key_of("dispute", input.dispute_id, "disputeId")

        async def command(work: WriteWork) -> dict[str, str]:
            return {"evidence": str(await submit_evidence(work, dispute_id, input.text))}

        done = await ask(info, input, command)
        dispute = await fetch_below(info, "dispute", "dispute", dispute_id)
        return DisputeEvidenceSubmitPayload(dispute=dispute, replayed=done.replayed)

    @mutation(
        "Pay what a client owes after lost disputes out of the wallet, because the client asked "
        "to. Nothing is ever set off without this.",
        needs="disputes:manage",
    )
    async def debt_repay(self, info: Info, input: _Debt) -> DebtRepayPayload:
        client_id = key_of("client", input.client_id, "clientId")
        amount = input.amount.to_amount("input", "amount")

        async def command(work: WriteWork) -> dict[str, str]:
            done = await repay_debt(work, client_id, amount, reason=input.reason)
            return {"transfer": encode_id("ledger_transfer", done)}

        told = {"amount": f"{amount.amount_minor} {amount.currency}"}
        done = await ask(info, input, command, hidden=told)
        debt = await queries.find_debt(info.context.work, client_id, amount.currency)
        return DebtRepayPayload(
            client=await fetch_below(info, "client", "client", client_id),
            debt=Money.of(debt.amount_minor, debt.currency),
            replayed=done.replayed,
        )


@strawberry.type
class DisputeQueries:
    @field(
        "Disputes over deposits by merchant account and month, as card schemes watch them.",
        needs="disputes:list",
        cost=50,
    )
    async def chargeback_ratios(self, info: Info, start: _From, to: _To) -> list[ChargebackRatio]:
        if start < EARLIEST.date():
            raise Invalid("INVALID", "`from` is 1970 or later.", path=("from",))
        if to > info.context.now().date() + _AHEAD:
            raise Invalid("INVALID", "`to` is at most a year ahead.", path=("to",))
        if not timedelta(0) <= to - start <= _RANGE:
            raise Invalid("INVALID", "Name a range of at most two years.", path=("to",))
        begin = datetime.combine(start, time(), UTC)
        until = datetime.combine(to, time(), UTC) + timedelta(days=1)
        return [
            ChargebackRatio(
                month=one.month,
                deposits=one.payments,
                disputes=one.disputes,
                ratio=one.ratio,
                subject=one.connection_id,
            )
            for one in await chargeback_ratios(info.context.work, begin, until)
        ]
