"""What can be done to ibs."""

from typing import Annotated

import strawberry

from domain.ibs.commands.create_ib import NewIb, create_ib
from domain.kernel.errors import NotFound
from domain.kernel.ids import decode_id_of
from schema.ibs.inputs import IbCreateInput
from schema.ibs.types import Ib
from schema.shared.bind import Info, fetch_below
from schema.shared.errors import mutation, payload, result
from tenants.work import WriteWork

Input = Annotated[IbCreateInput, strawberry.argument(description="What it is to be.")]


@payload(
    errors={
        "INVALID": "A field's value can't be right; `path` says which.",
        "NOT_FOUND": "There is no such parent for you.",
        "CODE_TAKEN": "Another ib of the brand has the code.",
        "PARENT_SUSPENDED": "The parent is suspended.",
        "TREE_TOO_DEEP": "The parent stands on the last level, 10.",
    }
)
class IbCreatePayload:
    ib: Ib | None = result("The new ib.")


@strawberry.type
class IbMutations:
    @mutation("Put an introducing broker into the tree. Staff only.", needs="ibs:create")
    async def ib_create(self, info: Info, input: Input) -> IbCreatePayload:
        parent_id = None
        if input.parent_id is not None:
            parent_id = decode_id_of("ib", input.parent_id)
            if parent_id is None:
                raise NotFound(path=("input", "parentId"))
        wanted = NewIb(input.code, input.name, input.email, parent_id, input.currency_code)

        async def command(work: WriteWork) -> object:
            return await create_ib(work, wanted)

        ib_id = (await info.context.write(command)).value
        return IbCreatePayload(ib=await fetch_below(info, "ib", "ib", ib_id))
