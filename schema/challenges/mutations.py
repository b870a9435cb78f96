"""Mutations on challenges: permission and shape here, everything else in the commands."""

from typing import Annotated
from uuid import UUID

import strawberry

from domain.challenges.commands.close_program import close_program
from domain.challenges.commands.order_challenge import order_challenge
from domain.challenges.commands.publish_program import publish_program
from domain.challenges.commands.refund_order import refund_order
from domain.challenges.commands.resume_liquidation import resume_liquidation
from domain.challenges.commands.set_tax import set_tax
from domain.payments.deposits.waiting import started
from schema.accounts.asking import CLIENT, SHARED, TOO_HIGH, ask, key_of, replayed
from schema.challenges.inputs import (
    ChallengeLiquidationResumeInput,
    ChallengeProgramCloseInput,
    ChallengeProgramPublishInput,
    ChallengePurchaseInput,
    ChallengeRefundInput,
    ChallengeTaxSetInput,
)
from schema.challenges.types import ChallengeProgram, ChallengePurchase
from schema.payments.deposits import PageServices
from schema.shared.bind import Info, fetch_below
from schema.shared.errors import mutation, payload, result


@payload(
    errors={
        **SHARED,
        **CLIENT,
        "PROGRAM_CLOSED": "The program is not sold at present.",
        "PROGRAM_CHANGED": "Another version is sold by now; look at it first.",
        "PRICE_CHANGED": "With tax the order costs something else by now.",
        "WALLET_NOT_YOURS": "Only its owner pays from a wallet.",
        "INSUFFICIENT_FUNDS": "There is not that much available in the wallet.",
        "METHOD_UNAVAILABLE": "The method is closed, or not for this country or currency.",
        "BELOW_MINIMUM": "Less than the method takes.",
        "ABOVE_MAXIMUM": "More than the method takes.",
    }
)
class ChallengePurchasePayload:
    purchase: ChallengePurchase | None = result(
        "The order. Send the payer to its payment's `next`; `challengeEvents` tells when it is "
        "paid and when its account is open."
    )
    replayed: bool = replayed()


@payload(
    errors={
        **SHARED,
        "NOT_REFUNDABLE": "The order is not paid, was given back, or is being given back.",
        "CLIENT_RESTRICTED": "The client's money stays where it is at present.",
        "VERSION_CONFLICT": "The order has changed since you read it.",
    }
)
class ChallengeRefundPayload:
    purchase: ChallengePurchase | None = result("The order; REFUNDING until the money is back.")
    replayed: bool = replayed()


@payload(errors={**SHARED, **TOO_HIGH})
class ChallengeProgramPublishPayload:
    program: ChallengeProgram | None = result("The program, with its new version.")
    replayed: bool = replayed()


@payload(errors={**SHARED, "PROGRAM_CLOSED": "It is not sold as it is."})
class ChallengeProgramClosePayload:
    program: ChallengeProgram | None = result("The program.")
    replayed: bool = replayed()


@payload(errors=SHARED)
class ChallengeTaxSetPayload:
    done: bool | None = result("Whether orders from now on are taxed so.")
    replayed: bool = replayed()


@payload(errors={**SHARED, "NOT_HALTED": "Nothing is held back."})
class ChallengeLiquidationResumePayload:
    done: bool | None = result("Whether what was held back is closed now.")
    replayed: bool = replayed()


_Purchase = Annotated[ChallengePurchaseInput, strawberry.argument(description="What to buy.")]
_Refund = Annotated[ChallengeRefundInput, strawberry.argument(description="What to give back.")]
_Publish = Annotated[ChallengeProgramPublishInput, strawberry.argument(description="What to sell.")]
_Close = Annotated[
    ChallengeProgramCloseInput, strawberry.argument(description="What to sell no more.")
]
_Tax = Annotated[ChallengeTaxSetInput, strawberry.argument(description="The tax.")]
_Resume = Annotated[ChallengeLiquidationResumeInput, strawberry.argument(description="Why.")]


@strawberry.type
class ChallengeMutations:
    @mutation(
        "Buy a challenge at the price you have seen, see `challengePrice`. A wallet is spent only "
        "when its owner names it. The price is a fee and no deposit: limits of identity tiers do "
        "not count it, but nothing is sold to a client who is restricted.",
        needs="challenges:purchase",
    )
    async def challenge_purchase(self, info: Info, input: _Purchase) -> ChallengePurchasePayload:
        wish = input.wish()
        services: PageServices = info.context.services
        local = services.allow_local_pages
        told = {"total": f"{wish.total.amount_minor} {wish.total.currency}", "pay": str(wish.pay)}
        done = await ask(
            info, input, lambda work: order_challenge(work, wish, allow_local=local), hidden=told
        )
        payment = done.value.get("payment")
        if payment is not None:
            await started(info.context.database, info.context.scope, UUID(payment))
        key = UUID(done.value["order"])
        purchase = await fetch_below(info, "purchase", "challenge_order", key)
        return ChallengePurchasePayload(purchase=purchase, replayed=done.replayed)

    @mutation(
        "Give an order back, tax included, to where the money came from; a challenge that goes on "
        "is over, one that was decided stays so. While the payment provider refuses, the order is "
        "`REFUNDING` with a `reasonCode`: ask again, and it is tried again; or end it `toWallet`.",
        needs="challenges:refund",
    )
    async def challenge_refund(self, info: Info, input: _Refund) -> ChallengeRefundPayload:
        key = key_of("challenge_order", input.purchase_id, "purchaseId")
        done = await ask(
            info,
            input,
            lambda work: refund_order(
                work,
                key,
                reason=input.reason,
                expected_version=input.expected_version,
                to_wallet=input.to_wallet,
            ),
        )
        purchase = await fetch_below(info, "purchase", "challenge_order", key)
        return ChallengeRefundPayload(purchase=purchase, replayed=done.replayed)

    @mutation(
        "Put a program on sale: a new one, or the next version of the one with this code.",
        needs="programs:manage",
    )
    async def challenge_program_publish(
        self, info: Info, input: _Publish
    ) -> ChallengeProgramPublishPayload:
        plan = input.plan()
        told = {name: str(getattr(plan, name)) for name in ("balance", "price_minor", "phases")}
        done = await ask(info, input, lambda work: publish_program(work, plan), hidden=told)
        program = await fetch_below(info, "program", "program", UUID(done.value["program"]))
        return ChallengeProgramPublishPayload(program=program, replayed=done.replayed)

    @mutation("Sell a program no more; what was bought goes on.", needs="programs:manage")
    async def challenge_program_close(
        self, info: Info, input: _Close
    ) -> ChallengeProgramClosePayload:
        key = key_of("program", input.program_id, "programId")
        done = await ask(info, input, lambda work: close_program(work, key))
        program = await fetch_below(info, "program", "program", key)
        return ChallengeProgramClosePayload(program=program, replayed=done.replayed)

    @mutation("Say what tax buyers of a country pay on top.", needs="programs:manage")
    async def challenge_tax_set(self, info: Info, input: _Tax) -> ChallengeTaxSetPayload:
        done = await ask(
            info,
            input,
            lambda work: set_tax(work, input.country, label=input.label, bps=input.bps),
        )
        return ChallengeTaxSetPayload(done=True, replayed=done.replayed)

    @mutation(
        "Close the accounts that the breaker holds back, because somebody has looked.",
        needs="liquidation:manage",
    )
    async def challenge_liquidation_resume(
        self, info: Info, input: _Resume
    ) -> ChallengeLiquidationResumePayload:
        done = await ask(info, input, lambda work: resume_liquidation(work, reason=input.reason))
        return ChallengeLiquidationResumePayload(done=True, replayed=done.replayed)
