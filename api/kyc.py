"""KYC vendors of this process, and what identity asks of the worker."""

from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

import structlog

from api.psps import SANDBOX
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


class KycVendors:
    """Adapters by connection. A connection whose key or address changed gets a new one."""

    def __init__(self, vault: Vault, *, sandbox_url: str) -> None:
        self._vault = vault
        self._sandbox_url = sandbox_url
        self._open: dict[UUID, tuple[KycConnection, KycVendor]] = {}
        self._outdated: list[KycVendor] = []

    def __call__(self, connection: KycConnection) -> KycVendor:
        """The adapter of a connection. Raises SecretUnreadable under another master key."""
        known = self._open.get(connection.id)
        if known is not None and _is_same(known[0], connection):
            return known[1]
        if known is not None:
            # Calls through it may still be under way.
            self._outdated.append(known[1])
        is_sandbox = connection.endpoint == SANDBOX
        endpoint = self._sandbox_url if is_sandbox else connection.endpoint
        key = open_api_key(self._vault, connection)
        made = open_vendor(connection.kind, endpoint, api_key=key)
        self._open[connection.id] = (connection, made)
        return made

    async def close(self) -> None:
        """Close every adapter."""
        open_now = [*self._outdated, *(vendor for _, vendor in self._open.values())]
        self._open, self._outdated = {}, []
        for vendor in open_now:
            await vendor.aclose()


def _is_same(one: KycConnection, other: KycConnection) -> bool:
    return (one.kind, one.endpoint, one.api_key_cipher) == (
        other.kind,
        other.endpoint,
        other.api_key_cipher,
    )


def register_identity(worker: Worker) -> None:
    """Cases are begun at their vendor, pulled when it says so, and lapse in their time."""
    vault = Vault(worker.settings.home.secrets().master_key)
    vendors = KycVendors(vault, sandbox_url=worker.settings.sandbox_url)
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
