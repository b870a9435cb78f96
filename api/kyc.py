"""KYC vendors of this process, and what identity asks of the worker."""

from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

import structlog

from api.adapters import Adapters
from api.rounds import each_brand
from api.worker import Worker
from domain.compliance.identity import jobs
from domain.compliance.identity.adapters.registry import open_vendor
from domain.compliance.identity.commands.expire_proofs import expire_proofs
from domain.compliance.identity.ports import KycVendor
from domain.compliance.identity.queries import KycConnection
from domain.compliance.identity.secrets import open_api_key
from tenants.secrets import Vault
from tenants.work import Database

_log = structlog.get_logger(__name__)
_POLL_EVERY_S = 20.0
_RESUME_EVERY_S = 60.0
_EXPIRE_EVERY_S = 60.0


KycVendors = Adapters[KycConnection, KycVendor]


def open_vendors(vault: Vault, *, sandbox_url: str) -> KycVendors:
    """Adapters of accounts at KYC vendors, with the keys that the vault opens."""

    def made(connection: KycConnection, endpoint: str) -> KycVendor:
        return open_vendor(connection.kind, endpoint, api_key=open_api_key(vault, connection))

    return Adapters(made, sandbox_url=sandbox_url)


def register_identity(worker: Worker) -> None:
    """Cases are begun at their vendor, pulled when it says so, and lapse in their time."""
    vault = Vault(worker.settings.home.secrets().master_key)
    vendors = open_vendors(vault, sandbox_url=worker.settings.sandbox_url)
    worker.consumers.extend([jobs.SUBMITTED, jobs.NOTICES])
    worker.jobs.include(jobs.jobs_over(vendors))
    _every(worker, _POLL_EVERY_S, "silent identities", jobs.Polls())
    _every(worker, _RESUME_EVERY_S, "stuck KYC notices", jobs.resume_notices)
    _every(worker, _EXPIRE_EVERY_S, "lapsed proofs", expire_proofs)


def _every(
    worker: Worker, seconds: float, name: str, run: Callable[[Database, UUID], Awaitable[int]]
) -> None:
    async def of_brand(brand_id: UUID) -> None:
        count = await run(worker.database, brand_id)
        if count:
            _log.info("round_made", round=name, brand=brand_id.hex, count=count)

    worker.every(seconds, name, partial(each_brand, name, worker.database, of_brand))
