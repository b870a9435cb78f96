"""Withdrawals and payout destinations: permission and shape here, the rest in the commands."""

from typing import Annotated, Protocol
from uuid import UUID

import strawberry

from domain.kernel.errors import NotFound
from domain.payments.withdrawals.commands.approve_withdrawal import approve_withdrawal
from domain.payments.withdrawals.commands.cancel_withdrawal import cancel_withdrawal
from domain.payments.withdrawals.commands.change_destination import change_destination
from domain.payments.withdrawals.commands.create_destination import (
    DestinationWish,
    create_destination,
)
from domain.payments.withdrawals.commands.reject_withdrawal import reject_withdrawal
from domain.payments.withdrawals.commands.remove_destination import remove_destination
from domain.payments.withdrawals.commands.request_withdrawal import request_withdrawal
from domain.payments.withdrawals.plan import Preview, preview
from schema.accounts.asking import CLIENT, SHARED, ask, key_of, replayed
from schema.payments.enums import ApprovalLevel, LegKind
from schema.payments.types import Withdrawal
from schema.payments.wallets import PayoutDestination
from schema.payments.withdrawal_inputs import (
    PayoutDestinationCreateInput,
    PayoutDestinationRemoveInput,
    WithdrawalApproveInput,
    WithdrawalCancelInput,
    WithdrawalCreateInput,
    WithdrawalDestinationChangeInput,
    WithdrawalRejectInput,
)
from schema.shared.bind import Info, fetch_below, field
from schema.shared.errors import mutation, payload, result
from schema.shared.permission import public
from schema.shared.scalars import Money, MoneyInput
from tenants.secrets import Vault

_PLAN = {
    "INSUFFICIENT_FUNDS": "There is not that much available, with the fee.",
    "DESTINATION_REQUIRED": "A part can't go back to a deposit: name a payout destination.",
    "DESTINATION_COOLING_OFF": "The payout destination is too new, see `usableFrom`.",
    "METHOD_UNAVAILABLE": "The method pays nothing out in this currency at present.",
    "AMOUNT_TOO_LOW": "Less than the method takes.",
    "AMOUNT_TOO_HIGH": "More than the method takes at once.",
    "WITHDRAWALS_BLOCKED": "A deposit of the client is disputed.",
}
_NOT_WAITING = {"WITHDRAWAL_NOT_WAITING": "It has gone on or ended; see its `status`."}
_FOUND = {key: SHARED[key] for key in ("NOT_FOUND", "INVALID")}
_MOVED = {"VERSION_CONFLICT": "The withdrawal has changed since you read it."}
_EYES = {
    "FOUR_EYES": "You asked for it, named its payee or decided before: somebody else must.",
    "LEVEL_MISSING": "The level that is next is not yours to decide.",
}


class WithdrawalServices(Protocol):
    """What these mutations need of the application's services."""

    @property
    def vault(self) -> Vault: ...


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


@payload(
    errors={
        **SHARED,
        **CLIENT,
        **_PLAN,
        "CURRENCY_MISMATCH": "The wallet holds another currency.",
    }
)
class WithdrawalCreatePayload:
    withdrawal: Withdrawal | None = result("The withdrawal; its money is held.")
    replayed: bool = replayed()


@payload(
    errors={
        **_FOUND,
        **_MOVED,
        **_NOT_WAITING,
        **_EYES,
        "WITHDRAWALS_BLOCKED": _PLAN["WITHDRAWALS_BLOCKED"],
    }
)
class WithdrawalApprovePayload:
    withdrawal: Withdrawal | None = result("The withdrawal as it is now.")


@payload(errors={**_FOUND, **_MOVED, **_NOT_WAITING, **_EYES})
class WithdrawalRejectPayload:
    withdrawal: Withdrawal | None = result("The withdrawal as it is now.")


@payload(errors={**SHARED, **_NOT_WAITING})
class WithdrawalCancelPayload:
    withdrawal: Withdrawal | None = result("The withdrawal as it is now.")
    replayed: bool = replayed()


@payload(errors={**SHARED, **_MOVED, **_NOT_WAITING, **_PLAN})
class WithdrawalDestinationChangePayload:
    withdrawal: Withdrawal | None = result("The withdrawal, in a new round of approvals.")
    replayed: bool = replayed()


@payload(
    errors={
        **SHARED,
        **CLIENT,
        "METHOD_UNAVAILABLE": "The method is switched off, or pays nothing out.",
        "ACCOUNT_INVALID": "It is no IBAN with right check digits, or no e-mail address.",
        "HOLDER_DIFFERS": "The account must be in the client's own name.",
        "DESTINATION_EXISTS": "The account is among the client's destinations already.",
    }
)
class PayoutDestinationCreatePayload:
    destination: PayoutDestination | None = result("The destination; see `usableFrom`.")
    replayed: bool = replayed()


@payload(errors={**SHARED, "DESTINATION_IN_USE": "A withdrawal to it is open: cancel that first."})
class PayoutDestinationRemovePayload:
    destination: PayoutDestination | None = result("The destination as it is now.")
    replayed: bool = replayed()


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
_Add = Annotated[
    PayoutDestinationCreateInput, strawberry.argument(description="The account to add.")
]
_Remove = Annotated[
    PayoutDestinationRemoveInput, strawberry.argument(description="What to remove.")
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
        wallet = key_of("wallet", wallet_id, "walletId")
        destination = destination_id and key_of(
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
        await info.context.write(
            lambda work: approve_withdrawal(work, key, input.reason, version=version)
        )
        return WithdrawalApprovePayload(withdrawal=await _withdrawal(info, key))

    @mutation(
        "Refuse a withdrawal at the level it waits for; its money is free again.",
        needs="withdrawals:review",
    )
    async def withdrawal_reject(self, info: Info, input: _Reject) -> WithdrawalRejectPayload:
        key = key_of("payment", input.withdrawal_id, "withdrawalId")
        version = input.expected_version
        await info.context.write(
            lambda work: reject_withdrawal(work, key, input.reason, version=version)
        )
        return WithdrawalRejectPayload(withdrawal=await _withdrawal(info, key))

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

    @mutation(
        "Add an account that withdrawals can be paid to, once its cooling-off is over.",
        needs="destinations:manage",
    )
    async def payout_destination_create(
        self, info: Info, input: _Add
    ) -> PayoutDestinationCreatePayload:
        services: WithdrawalServices = info.context.services
        vault, brand_id = services.vault, info.context.scope.brand_id
        wish = DestinationWish(
            method_id=key_of("payment_method", input.method_id, "methodId"),
            client_id=_client_id(info, input.client_id),
            holder_name=input.holder_name,
            account=input.account,
        )
        hidden = {"account": vault.digest(brand_id, input.account.encode())}
        done = await ask(
            info, input, lambda work: create_destination(work, vault, wish), hidden=hidden
        )
        key = UUID(done.value["destination"])
        made = await fetch_below(info, "destination", "payout_destination", key)
        return PayoutDestinationCreatePayload(destination=made, replayed=done.replayed)

    @mutation("Take a payout destination out of use.", needs="destinations:manage")
    async def payout_destination_remove(
        self, info: Info, input: _Remove
    ) -> PayoutDestinationRemovePayload:
        key = key_of("payout_destination", input.destination_id, "destinationId")
        done = await ask(info, input, lambda work: remove_destination(work, key))
        made = await fetch_below(info, "destination", "payout_destination", key)
        return PayoutDestinationRemovePayload(destination=made, replayed=done.replayed)


async def _withdrawal(info: Info, key: UUID) -> Withdrawal | None:
    found: Withdrawal | None = await fetch_below(info, "withdrawal", "payment", key)
    return found


def _client_id(info: Info, given: strawberry.ID | None) -> UUID:
    """The client named, or whoever asks. Refusals: NOT_FOUND."""
    if given is not None:
        return key_of("client", given, "clientId")
    own = info.context.scope.client_id
    if own is None:
        raise NotFound(path=("input", "clientId"))
    return own


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
