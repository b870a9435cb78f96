"""Inputs of reconciliation, and how they become what commands judge."""

import strawberry

from domain.payments.reconciliation.commands.check_booking import SuspenseBooking
from domain.payments.reconciliation.values import SuspenseMove as Move
from schema.accounts.asking import KEY, key_of
from schema.payments.correction_enums import SuspenseMove
from schema.shared.scalars import MoneyInput


@strawberry.input(description="A settlement file of a payment provider.")
class SettlementImportInput:
    idempotency_key: str = strawberry.field(description=KEY)
    merchant_account_id: strawberry.ID = strawberry.field(
        description="The merchant account that it settles."
    )
    name: str = strawberry.field(description="Name of the file.")
    content: str = strawberry.field(
        description="The file's text: CSV with the columns settlement_id, date, type, psp_id, "
        "reference, currency, gross, fee, net and perhaps line_id; at most 200,000 characters."
    )


@strawberry.input(description="Money that moves when a discrepancy is resolved.")
class SuspenseBookingInput:
    move: SuspenseMove = strawberry.field(description="From where to where.")
    amount: MoneyInput = strawberry.field(description="How much, above zero.")
    client_id: strawberry.ID | None = strawberry.field(
        description="Whose wallet it is, where it is about a wallet.", default=None
    )

    def wish(self) -> SuspenseBooking:
        """What the command judges. Refusals: NOT_FOUND, INVALID."""
        client_id = self.client_id
        return SuspenseBooking(
            move=Move[self.move.name],
            amount=self.amount.to_amount("input", "booking", "amount"),
            client_id=None if client_id is None else key_of("client", client_id, "booking"),
        )


@strawberry.input(description="What becomes of a discrepancy.")
class DiscrepancyResolveInput:
    idempotency_key: str = strawberry.field(description=KEY)
    discrepancy_id: strawberry.ID = strawberry.field(description="The discrepancy.")
    expected_version: int = strawberry.field(description="Its `version` as you read it.")
    reason: str = strawberry.field(description="What it was, at most 500 characters.")
    booking: SuspenseBookingInput | None = strawberry.field(
        description="Money to move, no more than what differs and than SUSPENSE holds; of a "
        "deposit in suspense, all that is left of it. A second person approves it. One at a time: "
        "another waits for that decision.",
        default=None,
    )


@strawberry.input(description="A transfer of the ledger to be reversed.")
class LedgerCorrectionProposeInput:
    idempotency_key: str = strawberry.field(description=KEY)
    transfer_id: strawberry.ID = strawberry.field(description="The transfer of the ledger.")
    reason: str = strawberry.field(description="Why, at most 500 characters.")


@strawberry.input(description="A proposed booking to be posted.")
class LedgerCorrectionApproveInput:
    idempotency_key: str = strawberry.field(description=KEY)
    correction_id: strawberry.ID = strawberry.field(description="The booking.")


@strawberry.input(description="A proposed booking to be dropped.")
class LedgerCorrectionRejectInput:
    idempotency_key: str = strawberry.field(description=KEY)
    correction_id: strawberry.ID = strawberry.field(description="The booking.")
