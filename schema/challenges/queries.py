"""Root fields about challenges."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import strawberry

from domain.challenges.purchase_rules import priced
from domain.challenges.queries import find_halt, find_program, list_taxes
from domain.clients.standing import find_standing
from domain.kernel.ids import decode_id_of
from domain.kernel.money import Money as Amount
from schema.challenges.filters import (
    ChallengeFilter,
    ChallengeOrder,
    ChallengeProgramFilter,
    ChallengeProgramOrder,
    ChallengePurchaseFilter,
    ChallengePurchaseOrder,
)
from schema.challenges.types import Challenge, ChallengeProgram, ChallengePurchase
from schema.shared.bind import Info, connection, field
from schema.shared.page import Connection
from schema.shared.permission import public
from schema.shared.scalars import Money


@strawberry.type(
    description="What a program costs a client, with tax, before anything is paid.",
    directives=public(),
)
class ChallengePrice:
    program_version: int = strawberry.field(description="The version that is sold.")
    net: Money = strawberry.field(description="The price without tax.")
    tax: Money = strawberry.field(description="The tax of the client's country.")
    total: Money = strawberry.field(description="What is paid.")
    tax_label: str = strawberry.field(description="What the tax is called; empty without one.")
    tax_percent: Decimal = strawberry.field(description="The tax as a percentage.")


@strawberry.type(
    description="Why accounts that broke a rule keep their positions.", directives=public()
)
class LiquidationHalt:
    halted_at: datetime = strawberry.field(description="Since when.")
    reason: str = strawberry.field(description="What was odd.")


_ProgramId = Annotated[strawberry.ID, strawberry.argument(description="What is bought.")]
_ClientId = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="Who buys; yourself when you are the client and leave it out."),
]


@strawberry.type
class ChallengeQueries:
    challenge_programs: Connection[ChallengeProgram] = connection(
        "program",
        "Challenges that the brand sells or sold, by name.",
        needs="programs:read",
        filter=ChallengeProgramFilter,
        order=ChallengeProgramOrder,
    )
    challenges: Connection[Challenge] = connection(
        "challenge",
        "Challenges that were bought, newest first.",
        needs="challenges:list",
        filter=ChallengeFilter,
        order=ChallengeOrder,
    )
    challenge_purchases: Connection[ChallengePurchase] = connection(
        "challenge_order",
        "Orders of challenges, newest first.",
        needs="challenges:list",
        filter=ChallengePurchaseFilter,
        order=ChallengePurchaseOrder,
    )

    @field(
        "What a program costs a client; null for a program or a client that you may not see.",
        needs="programs:read",
        cost=20,
    )
    async def challenge_price(
        self, info: Info, program_id: _ProgramId, client_id: _ClientId = None
    ) -> ChallengePrice | None:
        work, scope = info.context.work, info.context.scope
        program_key = decode_id_of("program", program_id)
        key = scope.client_id if client_id is None else decode_id_of("client", client_id)
        buyer = await find_standing(work, key) if key else None
        found = await find_program(work, program_key) if program_key else None
        if buyer is None or found is None:
            return None
        net = Amount(int(found.price_minor), found.currency)
        price = priced(net, await list_taxes(work), buyer.country)
        return ChallengePrice(
            program_version=found.sold,
            net=_shown(price.net),
            tax=_shown(price.tax),
            total=_shown(price.total),
            tax_label=price.tax_label,
            tax_percent=Decimal(price.tax_bps) / 100,
        )

    @field(
        "Whether the breaker holds accounts back that broke a rule; null while it does not.",
        needs="liquidation:manage",
    )
    async def liquidation_halt(self, info: Info) -> LiquidationHalt | None:
        halt = await find_halt(info.context.work)
        return halt and LiquidationHalt(halted_at=halt.halted_at, reason=halt.reason)


def _shown(amount: Amount) -> Money:
    return Money.of(amount.amount_minor, amount.currency)
