"""Connect a brand with a PSP: its merchant account there, and the secrets of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from domain.kernel.errors import Invalid
from domain.payments.secrets import seal_connection
from domain.payments.tables import psp_connection
from domain.payments.values import ConnectionStatus
from tenants.log import Change
from tenants.secrets import Vault
from tenants.work import WriteWork

_SECRETS_MAX = 4


@dataclass(frozen=True, slots=True)
class ConnectionPlan:
    """A merchant account of a brand's legal entity. `notice_secrets`: the present one first, then
    those that are being replaced, for as long as the PSP may still sign with them."""

    id: UUID
    psp_id: UUID
    legal_entity_id: UUID
    name: str
    api_key: str = field(repr=False)
    notice_secrets: Sequence[str] = field(repr=False)
    status: ConnectionStatus = ConnectionStatus.ACTIVE


async def save_connection(work: WriteWork, vault: Vault, plan: ConnectionPlan) -> None:
    """Add a connection, or change the one with its id; its PSP and legal entity stay.

    A PAUSED one takes no new payments, and its notices are heard all the same.
    Refusals: INVALID without a key or with no secret. Effects: audit, without the secrets.
    """
    if not plan.api_key or not 1 <= len(plan.notice_secrets) <= _SECRETS_MAX:
        raise Invalid("INVALID", "A connection has a key and one to four notice secrets.")
    if not all(plan.notice_secrets):
        raise Invalid("INVALID", "An empty secret would let anybody sign.")
    shown = {"name": plan.name, "status": plan.status}
    sealed = seal_connection(
        vault,
        work.scope.brand_id,
        plan.id,
        api_key=plan.api_key,
        notice_secrets=plan.notice_secrets,
    )
    upsert = insert(psp_connection).values(
        brand_id=work.scope.brand_id,
        id=plan.id,
        psp_id=plan.psp_id,
        legal_entity_id=plan.legal_entity_id,
        created_at=work.now(),
        **shown,
        **sealed,
    )
    changed = {name: upsert.excluded[name] for name in (*shown, *sealed)}
    await work.rows(upsert.on_conflict_do_update(index_elements=["brand_id", "id"], set_=changed))
    work.audit(
        Change("psp_connection.save", object_kind="psp_connection", object_id=plan.id, after=shown)
    )
