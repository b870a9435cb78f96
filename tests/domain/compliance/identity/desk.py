"""A client who proves who it is at a vendor that listens, the vendor's notices, and a worker.

Jobs run when a test says so: what consumers deferred is taken from the queue and handled here.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from domain.clients import tables as clients
from domain.compliance.identity import jobs, tables
from domain.compliance.identity.adapters.registry import open_vendor
from domain.compliance.identity.commands.decide_case import Verdict, decide_case, review_case
from domain.compliance.identity.commands.expect_document import PaperWish, expect_document
from domain.compliance.identity.commands.record_applicant import record_applicant
from domain.compliance.identity.commands.save_connection import (
    KycConnectionPlan,
    save_connection,
)
from domain.compliance.identity.commands.store_document import store_document
from domain.compliance.identity.commands.submit_case import SubmitWish, submit_case
from domain.compliance.identity.ports import Applicant, KycVendor
from domain.compliance.identity.queries import KycConnection
from domain.compliance.identity.secrets import open_api_key
from domain.compliance.identity.values import (
    CaseStatus,
    DocumentKind,
    KycVendorKind,
    MediaType,
)
from domain.events.consumers import consume
from domain.events.jobs import JobRun
from domain.events.tables import inbox
from domain.kernel.ids import new_uuid
from tenants.context import Scope, system_scope
from tenants.secrets import Vault
from tenants.tables import event
from tenants.work import Database
from tests.domain.compliance.kyc import ask_for
from tests.factories import Brand, Client, Factory, scope_of

VAULT = Vault(bytes(range(32)))
SECRET = "kyc-secret-of-the-tests"
NOWHERE = "http://127.0.0.1:9"


@dataclass
class Desk:
    """A brand whose legal entity asks for identities, and one of its clients."""

    make: Factory
    database: Database
    worker: Database
    brand: Brand
    queue: psycopg.Connection[Any]
    endpoint: str = NOWHERE
    client: Client = field(init=False)
    connection_id: UUID = field(default_factory=new_uuid)
    vendor: KycVendor = field(init=False)
    begun: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def api_key(self) -> str:
        return f"key-of-{self.connection_id.hex}"

    async def open(self, **columns: Any) -> "Desk":
        ask_for(self.make, self.brand)
        self.client = self.make.client(self.brand, **columns)
        plan = KycConnectionPlan(
            self.connection_id, self.brand.legal_entity_id, "main", KycVendorKind.SANDBOX,
            self.endpoint, self.api_key, [SECRET],
        )  # fmt: skip
        scope = system_scope(self.brand.id)
        await self.database.write(scope, lambda work: save_connection(work, VAULT, plan))
        self.vendor = open_vendor(KycVendorKind.SANDBOX, self.endpoint, api_key=self.api_key)
        return self

    async def close(self) -> None:
        await self.vendor.aclose()

    # What people ask for ----------------------------------------------------------------------

    async def submit(self, requirement: str = "IDENTITY", **more: Any) -> UUID:
        url = f"https://{self.brand.host}/back"
        wish = SubmitWish(self.client.id, requirement, **({"return_url": url} | more))
        scope = scope_of(self.brand, client=self.client)
        done = await self.database.write(scope, lambda work: submit_case(work, wish))
        return UUID(done.value["case"])

    async def bring(self) -> UUID:
        """A bill, uploaded by the client; its id."""
        bill = f"%PDF-1.4 {new_uuid().hex}".encode()
        today = datetime.now(UTC).date()
        wish = PaperWish(
            self.client.id, DocumentKind.UTILITY_BILL, "bill.pdf", MediaType.PDF, len(bill),
            issued_on=today,
        )  # fmt: skip
        scope = scope_of(self.brand, client=self.client)
        made = await self.database.write(scope, lambda work: expect_document(work, wish))
        document_id: UUID = made.value
        await self.database.write(
            scope, lambda work: store_document(work, VAULT, document_id, bill)
        )
        return document_id

    async def decide(
        self, case_id: UUID, outcome: str, *, who: Scope | None = None, version: int | None = None
    ) -> Mapping[str, str]:
        verdict = Verdict(CaseStatus(outcome), "Looked at it.", "You are told this.")
        known = self.case(case_id).version if version is None else version
        scope = who or scope_of(self.brand, "compliance")
        done = await self.database.write(
            scope, lambda work: decide_case(work, case_id, verdict, version=known)
        )
        return done.value

    async def review(
        self, case_id: UUID, *, confirm: bool = True, who: Scope | None = None
    ) -> None:
        version = self.case(case_id).version
        scope = who or scope_of(self.brand, "brand_admin")
        await self.database.write(
            scope,
            lambda work: review_case(
                work, case_id, confirm=confirm, reason="Looked again.", version=version
            ),
        )

    async def says(self, case_id: UUID, status: str, version: int = 1, **more: Any) -> bool:
        """The vendor says something of a case, a second later with each version."""
        at = more.pop("at", self.begun + timedelta(seconds=version))
        applicant = Applicant(
            f"app_{case_id.hex}", case_id.hex, CaseStatus(status), version, at,
            "http://kyc.example/verify", **more,
        )  # fmt: skip
        done = await self.worker.write(
            system_scope(self.brand.id),
            lambda work: record_applicant(work, self.connection_id, applicant),
        )
        return done.value

    async def verified(self) -> UUID:
        """A case that the vendor has approved."""
        case_id = await self.submit()
        await self.says(case_id, "APPROVED")
        return case_id

    # The worker -------------------------------------------------------------------------------

    async def work(self) -> int:
        """Let the consumers catch up, then handle every job that is queued; how many."""
        for consumer in (jobs.SUBMITTED, jobs.NOTICES):
            done = await consume(self.worker, self.brand.id, consumer, limit=100)
            assert done is not None
            assert not done.more
        rows = self.queue.execute(
            "delete from procrastinate_jobs where args->>'brand_id' = %s"
            " returning id, task_name, args",
            [str(self.brand.id)],
        ).fetchall()
        kinds = {one.name: one for one in jobs.jobs_over(self.connected)}
        for _, name, args in sorted(rows, key=lambda row: row[0]):
            run = JobRun(name, self.brand.id, args["key"], 1, self.worker)
            await kinds[name].handle(run, args["args"])
        return len(rows)

    async def until(self, holds: Callable[[], Any]) -> Any:
        """Work on until something is so: the vendor is another process in truth."""
        async with asyncio.timeout(20):
            while True:
                await self.work()
                if found := holds():
                    return found
                await asyncio.sleep(0.01)

    def connected(self, connection: KycConnection) -> KycVendor:
        assert open_api_key(VAULT, connection) == self.api_key, "the key opens"
        return self.vendor

    # What is really there ---------------------------------------------------------------------

    def case(self, case_id: UUID) -> Any:
        rows = self.make.rows(tables.kyc_case, self.brand)
        return next(row for row in rows if row.id == case_id)

    def status(self, case_id: UUID) -> str:
        status: str = self.case(case_id).status
        return status

    def decisions(self, case_id: UUID) -> list[tuple[str, str]]:
        """Who said what, by the clocks of who said it."""
        rows = [r for r in self.make.rows(tables.kyc_decision, self.brand) if r.case_id == case_id]
        rows.sort(key=lambda row: (row.decided_at, row.ext_version or 0))
        return [(row.source, row.outcome) for row in rows]

    def standing(self) -> Any:
        rows = self.make.rows(tables.kyc_standing, self.brand)
        return next((row for row in rows if row.client_id == self.client.id), None)

    def risk(self) -> str:
        rows = self.make.rows(clients.client, self.brand)
        return str(next(row.risk for row in rows if row.id == self.client.id))

    def events(self) -> list[str]:
        rows = self.make.rows(event, self.brand)
        return [row.kind for row in rows if row.topic == "COMPLIANCE"]

    def kept_notices(self) -> list[str]:
        return [row.state for row in self.make.rows(inbox, self.brand)]
