"""Withdrawals: permission and shape here, the rest in the commands."""

from typing import Annotated
from uuid import UUID

import strawberry

from domain.kernel.errors import NotFound
from domain.kernel.ids import decode_id_of
from domain.payments.withdrawals.commands.approve_withdrawal import approve_withdrawal
from domain.payments.withdrawals.commands.cancel_withdrawal import cancel_withdrawal
from domain.payments.withdrawals.commands.change_destination import change_destination
from domain.payments.withdrawals.commands.reject_withdrawal import reject_withdrawal
from domain.payments.withdrawals.commands.request_withdrawal import request_withdrawal
from domain.payments.withdrawals.plan import Preview, preview
from schema.accounts.asking import ask, key_of
from schema.payments.enums import ApprovalLevel, LegKind
from schema.payments.types import Withdrawal
from schema.payments.withdrawal_inputs import (
    WithdrawalApproveInput,
    WithdrawalCancelInput,
    WithdrawalCreateInput,
    WithdrawalDestinationChangeInput,
    WithdrawalRejectInput,
)
from schema.payments.withdrawal_payloads import (
    WithdrawalApprovePayload,
    WithdrawalCancelPayload,
    WithdrawalCreatePayload,
    WithdrawalDestinationChangePayload,
    WithdrawalRejectPayload,
)
from schema.shared.bind import Info, fetch_below, field
from schema.shared.errors import mutation
from schema.shared.permission import public
from schema.shared.scalars import Money, MoneyInput


@strawberry.type(description="A part of a withdrawal nobody asked for yet.", directives=public())
class WithdrawalPart:
    kind: LegKind = strawberry.field(description="How it would leave.")
    amount: Money = strawberry.field(description="How much of it.")
    label: str = strawberry.field(description="Where it would go, such as `•••• 4242`.")


@strawberry.type(
    description="What a withdrawal would be, before it is asked for. Nothing is held by it.",
    directives=public(),
)
class WithdrawalPreview:
    parts: list[WithdrawalPart] = strawberry.field(
        description="Back to the ways of deposits first, the rest to the destination; empty when "
        "it would be refused."
    )
    amount: Money = strawberry.field(description="The sum of the parts.")
    fee: Money = strawberry.field(description="What it would cost, on top of the amount.")
    approvals: list[ApprovalLevel] = strawberry.field(
        description="Whose approvals it would wait for; none when it would go by itself."
    )
    allowed: bool = strawberry.field(description="Whether it could be asked for now.")
    reason_code: str | None = strawberry.field(
        description="Why not: a code of `withdrawalCreate`. Expect codes you don't know."
    )


_WalletId = Annotated[strawberry.ID, strawberry.argument(description="The wallet.")]
_Amount = Annotated[MoneyInput, strawberry.argument(description="How much would leave it.")]
_DestinationId = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="Where what can't go back to deposits would go."),
]
_Create = Annotated[WithdrawalCreateInput, strawberry.argument(description="What to withdraw.")]
_Approve = Annotated[WithdrawalApproveInput, strawberry.argument(description="What to approve.")]
_Reject = Annotated[WithdrawalRejectInput, strawberry.argument(description="What to refuse.")]
_Cancel = Annotated[WithdrawalCancelInput, strawberry.argument(description="What to cancel.")]
_Redirect = Annotated[
    WithdrawalDestinationChangeInput, strawberry.argument(description="What to pay where.")
]


@strawberry.type
class WithdrawalQueries:
    @field(
        "How an amount would leave a wallet: its parts, its fee and whose approvals it needs.",
        needs="withdrawals:request",
        cost=20,
    )
    async def withdrawal_preview(
        self,
        info: Info,
        wallet_id: _WalletId,
        amount: _Amount,
        destination_id: _DestinationId = None,
    ) -> WithdrawalPreview:
        wallet = _argument("wallet", wallet_id, "walletId")
        destination = destination_id and _argument(
            "payout_destination", destination_id, "destinationId"
        )
        money = amount.to_amount("amount")
        told = await preview(info.context.work, wallet, money, destination or None)
        return _shown(told, money.amount_minor, money.currency)


@strawberry.type
class WithdrawalMutations:
    @mutation(
        "Ask for money out of a wallet. It is held at once, goes back to the ways of deposits "
        "first, and waits for approvals by its amount and the client's risk.",
        needs="withdrawals:request",
    )
    async def withdrawal_create(self, info: Info, input: _Create) -> WithdrawalCreatePayload:
        wish = input.wish()
        done = await ask(info, input, lambda work: request_withdrawal(work, wish))
        made = await _withdrawal(info, UUID(done.value["withdrawal"]))
        return WithdrawalCreatePayload(withdrawal=made, replayed=done.replayed)

    @mutation(
        "Approve a withdrawal at the level it waits for; the last approval sends it.",
        needs="withdrawals:review",
    )
    async def withdrawal_approve(self, info: Info, input: _Approve) -> WithdrawalApprovePayload:
        key = key_of("payment", input.withdrawal_id, "withdrawalId")
        version = input.expected_version
        done = await ask(
            info,
            input,
            lambda work: approve_withdrawal(work, key, input.reason, version=version),
        )
        made = await _withdrawal(info, key)
        return WithdrawalApprovePayload(withdrawal=made, replayed=done.replayed)

    @mutation(
        "Refuse a withdrawal at the level it waits for; its money is free again.",
        needs="withdrawals:review",
    )
    async def withdrawal_reject(self, info: Info, input: _Reject) -> WithdrawalRejectPayload:
        key = key_of("payment", input.withdrawal_id, "withdrawalId")
        version = input.expected_version
        done = await ask(
            info,
            input,
            lambda work: reject_withdrawal(work, key, input.reason, version=version),
        )
        made = await _withdrawal(info, key)
        return WithdrawalRejectPayload(withdrawal=made, replayed=done.replayed)

    @mutation(
        "Take a withdrawal back before it is sent; its money is free again.",
        needs="withdrawals:cancel",
    )
    async def withdrawal_cancel(self, info: Info, input: _Cancel) -> WithdrawalCancelPayload:
        key = key_of("payment", input.withdrawal_id, "withdrawalId")
        done = await ask(info, input, lambda work: cancel_withdrawal(work, key))
        made = await _withdrawal(info, key)
        return WithdrawalCancelPayload(withdrawal=made, replayed=done.replayed)

    @mutation(
        "Pay a waiting withdrawal, or what of one failed or came back, to another destination of "
        "the client. All approvals begin anew.",
        needs="withdrawals:review",
    )
    async def withdrawal_destination_change(
        self, info: Info, input: _Redirect
    ) -> WithdrawalDestinationChangePayload:
        key = key_of("payment", input.withdrawal_id, "withdrawalId")
        destination = key_of("payout_destination", input.destination_id, "destinationId")
        version = input.expected_version
        done = await ask(
            info,
            input,
            lambda work: change_destination(work, key, destination, input.reason, version=version),
        )
        made = await _withdrawal(info, key)
        return WithdrawalDestinationChangePayload(withdrawal=made, replayed=done.replayed)


def _argument(kind: str, given: strawberry.ID, name: str) -> UUID:
    """The key of an id that is an argument itself. Refusals: NOT_FOUND."""
    key = decode_id_of(kind, given)
    if key is None:
        raise NotFound(path=(name,))
    return key


async def _withdrawal(info: Info, key: UUID) -> Withdrawal | None:
    found: Withdrawal | None = await fetch_below(info, "withdrawal", "payment", key)
    return found


def _shown(told: Preview, amount_minor: int, currency: str) -> WithdrawalPreview:
    plan = told.plan
    return WithdrawalPreview(
        parts=[
            WithdrawalPart(
                kind=LegKind[part.kind.name],
                amount=Money.of(part.amount_minor, currency),
                label=part.label,
            )
            for part in (plan.parts if plan else ())
        ],
        amount=Money.of(amount_minor, currency),
        fee=Money.of(plan.fee_minor if plan else 0, currency),
        approvals=[ApprovalLevel[level.name] for level in (plan.levels if plan else ())],
        allowed=told.refusal is None,
        reason_code=None if told.refusal is None else told.refusal.code,
    )
