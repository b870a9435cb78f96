"""Know a PSP: shared by all brands, written by whoever installs."""

from dataclasses import asdict, dataclass
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from domain.payments.tables import psp
from domain.payments.values import PspKind
from tenants.work import WriteWork


@dataclass(frozen=True, slots=True)
class PspPlan:
    """A PSP. The endpoint `sandbox:` is the sandbox beside this server, wherever it listens."""

    id: UUID
    name: str
    kind: PspKind
    endpoint: str


async def save_psp(work: WriteWork, plan: PspPlan) -> None:
    """Add a PSP, or change the one with its id. For the owner of the database."""
    upsert = insert(psp).values(asdict(plan))
    changed = {name: upsert.excluded[name] for name in ("name", "kind", "endpoint")}
    await work.rows(upsert.on_conflict_do_update(index_elements=["id"], set_=changed))
