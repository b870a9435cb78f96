"""Settlements, discrepancies and corrections: what staff do; see `reconciliation_report`."""

from typing import Annotated
from uuid import UUID

import strawberry

from domain.kernel.errors import Invalid
from domain.payments.reconciliation.commands.decide_booking import approve_booking, reject_booking
from domain.payments.reconciliation.commands.import_settlement import import_settlement
from domain.payments.reconciliation.commands.propose_booking import (
    propose_correction,
    resolve_discrepancy,
)
from domain.payments.reconciliation.queries import find_correction, list_corrections
from schema.accounts.asking import SHARED, ask, key_of, replayed
from schema.payments.back_office import Discrepancy, Settlement
from schema.payments.correction_types import LedgerCorrection, shown_correction
from schema.payments.reconciliation_inputs import (
    DiscrepancyResolveInput,
    LedgerCorrectionApproveInput,
    LedgerCorrectionProposeInput,
    LedgerCorrectionRejectInput,
    SettlementImportInput,
)
from schema.payments.reconciliation_report import ReportQueries
from schema.shared.bind import Info, fetch_below, field
from schema.shared.errors import mutation, payload, result
from tenants.work import Done, WriteWork

CONTENT_MAX = 200_000
CORRECTIONS_MAX = 200
_MONEY = {
    "INSUFFICIENT_FUNDS": "There is not that much available in a wallet it takes from.",
}
_DECIDED = {"ALREADY_DECIDED": "It was approved or rejected before."}


@payload(
    errors={
        **SHARED,
        "SETTLEMENT_MALFORMED": "The file can't be read; `message` has the line. Nothing of it "
        "was imported.",
    }
)
class SettlementImportPayload:
    settlement: Settlement | None = result("The settlement; the earlier one for a file it had.")
    replayed: bool = replayed()


@payload(
    errors={
        **SHARED,
        "VERSION_CONFLICT": "The discrepancy has changed since you read it.",
        "ALREADY_RESOLVED": "It is resolved.",
        "BOOKING_IMPOSSIBLE": "The booking lacks what it needs; see `message`.",
        "STILL_IN_SUSPENSE": "Money of the deposit is in suspense: book it, or have it refunded.",
    }
)
class DiscrepancyResolvePayload:
    discrepancy: Discrepancy | None = result("The discrepancy; open until a booking is approved.")
    correction: LedgerCorrection | None = result("The booking that waits for a second person.")
    replayed: bool = replayed()


@payload(
    errors={
        **SHARED,
        "NOT_CORRECTABLE": "Holds and releases can't be corrected.",
        "ALREADY_CORRECTED": "It is corrected already.",
    }
)
class LedgerCorrectionProposePayload:
    correction: LedgerCorrection | None = result("The proposal.")
    replayed: bool = replayed()


@payload(
    errors={
        **SHARED,
        **_MONEY,
        **_DECIDED,
        "SECOND_PERSON_NEEDED": "You proposed it yourself.",
        "ALREADY_CORRECTED": "It is corrected already.",
        "ALREADY_RESOLVED": "The discrepancy is resolved.",
        "VERSION_CONFLICT": "The discrepancy has changed since: reject it and propose another.",
        "BOOKING_IMPOSSIBLE": "SUSPENSE does not hold as much any more.",
    }
)
class LedgerCorrectionApprovePayload:
    correction: LedgerCorrection | None = result("The proposal, posted.")
    replayed: bool = replayed()


@payload(errors={**SHARED, **_DECIDED})
class LedgerCorrectionRejectPayload:
    correction: LedgerCorrection | None = result("The proposal, dropped.")
    replayed: bool = replayed()


_Import = Annotated[SettlementImportInput, strawberry.argument(description="The file.")]
_Resolve = Annotated[
    DiscrepancyResolveInput, strawberry.argument(description="The discrepancy, and what of it.")
]
_Propose = Annotated[
    LedgerCorrectionProposeInput, strawberry.argument(description="What to reverse.")
]
_Approve = Annotated[LedgerCorrectionApproveInput, strawberry.argument(description="The proposal.")]
_Reject = Annotated[LedgerCorrectionRejectInput, strawberry.argument(description="The proposal.")]


@strawberry.type
class ReconciliationMutations:
    @mutation(
        "Import a payment provider's settlement file: a file once, each line once. Files over "
        "200,000 characters are for the console: `backdesk reconcile`.",
        needs="reconciliation:import",
    )
    async def settlement_import(self, info: Info, input: _Import) -> SettlementImportPayload:
        if len(input.content) > CONTENT_MAX:
            message = f"At most {CONTENT_MAX} characters; use the console for more."
            raise Invalid("INVALID", message, path=("input", "content"))
        connection_id = key_of("psp_connection", input.merchant_account_id, "merchantAccountId")

        async def command(work: WriteWork) -> dict[str, str]:
            done = await import_settlement(
                work, connection_id, name=input.name, content=input.content
            )
            return {"settlement": str(done.settlement_id)}

        done = await ask(info, input, command)
        key = UUID(done.value["settlement"])
        settlement = await fetch_below(info, "settlement", "settlement", key)
        return SettlementImportPayload(settlement=settlement, replayed=done.replayed)

    @mutation(
        "Resolve a discrepancy with a reason. With a booking a second person must approve first.",
        needs="discrepancies:resolve",
    )
    async def discrepancy_resolve(self, info: Info, input: _Resolve) -> DiscrepancyResolvePayload:
        key = key_of("discrepancy", input.discrepancy_id, "discrepancyId")
        booking = None if input.booking is None else input.booking.wish()

        async def command(work: WriteWork) -> dict[str, str]:
            proposed = await resolve_discrepancy(
                work,
                key,
                reason=input.reason,
                expected_version=input.expected_version,
                booking=booking,
            )
            return {} if proposed is None else {"correction": str(proposed)}

        done = await ask(info, input, command, hidden={"booking": str(booking)})
        return DiscrepancyResolvePayload(
            discrepancy=await fetch_below(info, "discrepancy", "discrepancy", key),
            correction=await _shown(info, done),
            replayed=done.replayed,
        )

    @mutation(
        "Propose to reverse a posted transfer of the ledger; a second person approves.",
        needs="ledger:correct",
    )
    async def ledger_correction_propose(
        self, info: Info, input: _Propose
    ) -> LedgerCorrectionProposePayload:
        transfer_id = key_of("ledger_transfer", input.transfer_id, "transferId")

        async def command(work: WriteWork) -> dict[str, str]:
            done = await propose_correction(work, transfer_id, reason=input.reason)
            return {"correction": str(done)}

        done = await ask(info, input, command)
        shown = await _shown(info, done)
        return LedgerCorrectionProposePayload(correction=shown, replayed=done.replayed)

    @mutation("Approve a booking that somebody else proposed, and post it.", needs="ledger:correct")
    async def ledger_correction_approve(
        self, info: Info, input: _Approve
    ) -> LedgerCorrectionApprovePayload:
        key = key_of("ledger_correction", input.correction_id, "correctionId")

        async def command(work: WriteWork) -> dict[str, str]:
            await approve_booking(work, key)
            return {"correction": str(key)}

        done = await ask(info, input, command)
        shown = await _shown(info, done)
        return LedgerCorrectionApprovePayload(correction=shown, replayed=done.replayed)

    @mutation(
        "Drop a proposed booking: an own one with the right to propose it, another's with "
        "`ledger:correct`.",
        needs="reconciliation:read",
    )
    async def ledger_correction_reject(
        self, info: Info, input: _Reject
    ) -> LedgerCorrectionRejectPayload:
        key = key_of("ledger_correction", input.correction_id, "correctionId")

        async def command(work: WriteWork) -> dict[str, str]:
            await reject_booking(work, key)
            return {"correction": str(key)}

        done = await ask(info, input, command)
        shown = await _shown(info, done)
        return LedgerCorrectionRejectPayload(correction=shown, replayed=done.replayed)


@strawberry.type
class ReconciliationQueries(ReportQueries):
    @field(
        "Bookings by hand, those that wait for a second person first; at most 200.",
        needs="ledger:read",
        cost=20,
    )
    async def ledger_corrections(self, info: Info) -> list[LedgerCorrection]:
        rows = await list_corrections(info.context.work, limit=CORRECTIONS_MAX)
        return [shown_correction(row) for row in rows]


async def _shown(info: Info, done: Done[dict[str, str]]) -> LedgerCorrection | None:
    if "correction" not in done.value:
        return None
    return shown_correction(
        await find_correction(info.context.work, UUID(done.value["correction"]))
    )
