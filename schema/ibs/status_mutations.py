"""Suspending introducing brokers, and ending that."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import strawberry

from domain.ibs.commands.set_status import reinstate_ib, suspend_ib
from schema.accounts.asking import key_of
from schema.ibs.types import Ib
from schema.shared.bind import Info, fetch_below
from schema.shared.errors import mutation, payload, result
from tenants.work import WriteWork

Change = Callable[[WriteWork, UUID, str], Awaitable[None]]
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
    reason: str = _typed(_WHY)


@strawberry.input(description="An introducing broker to let in again.")
class IbReinstateInput:
    ib_id: strawberry.ID = _typed("Who.")
    reason: str = _typed(_WHY)


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
        return IbSuspendPayload(ib=await _changed(info, input, suspend_ib))

    @mutation(
        "Let a suspended introducing broker in again; what was held is payable after its own hold.",
        needs="ibs:move",
    )
    async def ib_reinstate(self, info: Info, input: _Reinstate) -> IbReinstatePayload:
        return IbReinstatePayload(ib=await _changed(info, input, reinstate_ib))


async def _changed(info: Info, input: IbSuspendInput | IbReinstateInput, change: Change) -> Ib:
    key = key_of("ib", input.ib_id, "ibId")
    await info.context.write(lambda work: change(work, key, input.reason))
    found: Ib = await fetch_below(info, "ib", "ib", key)
    return found
