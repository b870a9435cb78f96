"""Connect a brand with a KYC vendor: its account there, and the secrets of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from domain.compliance.identity.secrets import seal_connection
from domain.compliance.identity.tables import kyc_connection
from domain.compliance.identity.values import KycConnectionStatus, KycVendorKind
from domain.kernel.errors import Invalid
from tenants.log import Change
from tenants.secrets import Vault
from tenants.work import WriteWork

_SECRETS_MAX = 4


@dataclass(frozen=True, slots=True)
class KycConnectionPlan:
    """An account of a brand's legal entity. The endpoint `sandbox:` is the sandbox beside this
    server. `notice_secrets`: the present one first, then those that are being replaced."""

    id: UUID
    legal_entity_id: UUID
    name: str
    kind: KycVendorKind
    endpoint: str
    api_key: str = field(repr=False)
    notice_secrets: Sequence[str] = field(repr=False)
    status: KycConnectionStatus = KycConnectionStatus.ACTIVE


async def save_connection(work: WriteWork, vault: Vault, plan: KycConnectionPlan) -> None:
    """Add a connection, or change the one with its id; its kind and legal entity stay.

    Refusals: INVALID without a key or with no secret. Effects: audit, without the secrets.
    """
    if not plan.api_key or not 1 <= len(plan.notice_secrets) <= _SECRETS_MAX:
        raise Invalid("INVALID", "A connection has a key and one to four notice secrets.")
    if not all(plan.notice_secrets):
        raise Invalid("INVALID", "An empty secret would let anybody sign.")
    shown = {"name": plan.name, "status": plan.status, "endpoint": plan.endpoint}
    sealed = seal_connection(
        vault,
        work.scope.brand_id,
        plan.id,
        api_key=plan.api_key,
        notice_secrets=plan.notice_secrets,
    )
    upsert = insert(kyc_connection).values(
        brand_id=work.scope.brand_id,
        id=plan.id,
        legal_entity_id=plan.legal_entity_id,
        kind=plan.kind,
        created_at=work.now(),
        **shown,
        **sealed,
    )
    changed = {name: upsert.excluded[name] for name in (*shown, *sealed)}
    await work.rows(upsert.on_conflict_do_update(index_elements=["brand_id", "id"], set_=changed))
    work.audit(
        Change("kyc_connection.save", object_kind="kyc_connection", object_id=plan.id, after=shown)
    )
