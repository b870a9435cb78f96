"""Suspending introducing brokers, and ending that."""

from typing import Annotated, Any

import strawberry

from domain.ibs.commands.set_status import reinstate_ib, suspend_ib
from schema.accounts.asking import key_of
from schema.ibs.types import Ib
from schema.shared.bind import Info, fetch_below
from schema.shared.errors import mutation, payload, result
from tenants.work import WriteWork

_ERRORS = {
    "INVALID": "The reason is missing or too long.",
    "NOT_FOUND": "There is no such introducing broker.",
}

_WHY = "Why, 1 to 500 characters; kept in the audit, and not shown to the broker."


def _typed(description: str, **how: Any) -> Any:
    return strawberry.field(description=description, **how)


@strawberry.input(description="An introducing broker to keep out.")
class IbSuspendInput:
    ib_id: strawberry.ID = _typed("Who.")
    reason: str = _typed(
        "Why, 1 to 500 characters; kept in the audit, and not shown to the broker."
    )


@strawberry.input(description="An introducing broker to let in again.")
class IbReinstateInput:
    ib_id: strawberry.ID = _typed("Who.")
    reason: str = _typed(
        "Why, 1 to 500 characters; kept in the audit, and not shown to the broker."
    )


@payload(errors=_ERRORS | {"ALREADY_SUSPENDED": "The broker is suspended."})
class IbSuspendPayload:
    ib: Ib | None = result("The introducing broker, suspended.")


@payload(errors=_ERRORS | {"NOT_SUSPENDED": "The broker is not suspended."})
class IbReinstatePayload:
    ib: Ib | None = result("The introducing broker, active.")


_Suspend = Annotated[IbSuspendInput, strawberry.argument(description="Whom, and why.")]
_Reinstate = Annotated[IbReinstateInput, strawberry.argument(description="Whom, and why.")]


@strawberry.type
class IbStatusMutations:
    @mutation(
        "Keep an introducing broker out while somebody looks into it: it signs in no more, its "
        "codes introduce nobody, and what it earns is held.",
        needs="ibs:move",
    )
    async def ib_suspend(self, info: Info, input: _Suspend) -> IbSuspendPayload:
        key = key_of("ib", input.ib_id, "ibId")

        async def command(work: WriteWork) -> None:
            await suspend_ib(work, key, input.reason)

        await info.context.write(command)
        return IbSuspendPayload(ib=await fetch_below(info, "ib", "ib", key))

    @mutation(
        "Let a suspended introducing broker in again; what was held is payable after its own hold.",
        needs="ibs:move",
    )
    async def ib_reinstate(self, info: Info, input: _Reinstate) -> IbReinstatePayload:
        key = key_of("ib", input.ib_id, "ibId")

        async def command(work: WriteWork) -> None:
            await reinstate_ib(work, key, input.reason)

        await info.context.write(command)
        return IbReinstatePayload(ib=await fetch_below(info, "ib", "ib", key))
