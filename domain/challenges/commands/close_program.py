"""Take a program off sale."""

from uuid import UUID

from sqlalchemy import update

from domain.challenges.errors import ProgramClosed
from domain.challenges.events import ChallengeEventKind, brand_event
from domain.challenges.lifecycle import ProgramStatus
from domain.challenges.queries import lock_program
from domain.challenges.tables import program
from domain.kernel.errors import NotFound
from tenants.log import Change
from tenants.work import WriteWork


async def close_program(work: WriteWork, program_id: UUID) -> dict[str, str]:
    """Sell it no more; what was bought goes on. Publishing another version opens it again.

    Refusals: NOT_FOUND, PROGRAM_CLOSED. Effects: event `program_closed`, audit.
    """
    row = await lock_program(work, key=program_id)
    if row is None:
        raise NotFound(path=("input", "programId"))
    if row.status == ProgramStatus.CLOSED:
        raise ProgramClosed()
    await work.rows(
        update(program)
        .where(program.c.brand_id == work.scope.brand_id, program.c.id == program_id)
        .values(status=ProgramStatus.CLOSED)
    )
    work.emit(brand_event(ChallengeEventKind.PROGRAM_CLOSED, program_id, code=row.code))
    work.audit(
        Change(
            "program.close",
            object_kind="program",
            object_id=program_id,
            before={"status": row.status},
            after={"status": ProgramStatus.CLOSED},
        )
    )
    return {"program": str(program_id)}
