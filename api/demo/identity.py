"""Identities of the demo: what each legal entity asks, a KYC vendor for each brand, and clients
in every state there is.

Everything is done by the commands that portals and staff use; the vendor's word is pulled from the
sandbox as the worker would.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from api.adapters import SANDBOX
from api.demo.kyc_controls import KycControls
from api.demo.people import staff_email
from api.demo.policies import SOURCES
from api.demo.story import BrandStory, clients_of, fixed
from api.kyc import open_vendors
from api.settings import Settings
from domain.clients.queries import find_by_email
from domain.compliance.identity.commands.decide_case import Verdict, decide_case, review_case
from domain.compliance.identity.commands.expect_document import PaperWish, expect_document
from domain.compliance.identity.commands.expire_proofs import expire
from domain.compliance.identity.commands.record_applicant import record_applicant
from domain.compliance.identity.commands.record_decision import Said, record_decision
from domain.compliance.identity.commands.save_connection import (
    KycConnectionPlan,
    save_connection,
)
from domain.compliance.identity.commands.save_policy import PolicyPlan, save_policy
from domain.compliance.identity.commands.store_document import store_document
from domain.compliance.identity.commands.submit_case import SubmitWish, submit_case
from domain.compliance.identity.ports import ApplicantRequest, KycVendor
from domain.compliance.identity.queries import (
    KycConnection,
    find_case,
    find_connection,
    lock_case,
)
from domain.compliance.identity.secrets import open_api_key, open_notice_secrets
from domain.compliance.identity.values import (
    CaseStatus,
    DecisionSource,
    DocumentKind,
    KycVendorKind,
    MediaType,
)
from tenants.context import NO_BRAND, Actor, ActorKind, Scope, system_scope
from tenants.founding import find_staff
from tenants.secrets import Vault
from tenants.values import Role
from tenants.work import Database, WriteWork

REVIEWED_ON: Final = date(2026, 1, 15)
PAPER: Final = b"%PDF-1.4\n% A utility bill of the demo; nobody lives here.\n%%EOF\n"
# What becomes of a brand's clients, in their order; who has paid in was verified for that. All of
# a brand's states but DRAFT, which no vendor leaves: that one is of the past.
STATES: Final = {
    "aurora": (
        "address", "address", "address", "identity", "pep", "proposed", "retry", "papers",
        "pending", "waiting", "final", "expired",
    ),
    "borealis": (
        "address", "identity", "identity", "expired", "final", "hold", "waiting", "sanctions",
        "pending", "retry",
    ),
    "cirrus": (
        "identity", "identity", "waiting", "pending", "hold", "retry", "final", "expired",
    ),
}  # fmt: skip
_YEARS_AGO: Final = timedelta(days=1_200)


def kyc_connection_id(story: BrandStory) -> UUID:
    """The brand's account at the sandbox KYC vendor."""
    return fixed(f"kyc:{story.plan.slug}")


def former_vendor_id(story: BrandStory) -> UUID:
    """The connection of the vendor before this one, who knew the identities of the past."""
    return fixed(f"past:{story.plan.slug}:kyc")


async def seed_policies(database: Database) -> None:
    """What each legal entity asks of its clients."""
    for name, (rules, source) in SOURCES.items():
        plan = PolicyPlan(fixed(name), rules, source, REVIEWED_ON)
        await database.write(system_scope(NO_BRAND), partial(save_policy, plan=plan))


async def seed_identity(settings: Settings, database: Database, story: BrandStory) -> None:
    """Connect the brand with the sandbox KYC vendor, which hears where we listen now; the first
    time, put its clients into every state."""
    vault = Vault(settings.home.secrets().master_key)
    scope = system_scope(story.plan.id)
    is_new = (await database.write(scope, partial(_connect, story=story, vault=vault))).value
    async with database.read(scope) as work:
        connection = await find_connection(work, kyc_connection_id(story))
        former = await find_connection(work, former_vendor_id(story))
    assert connection is not None, "connected just now"
    vendors = open_vendors(vault, sandbox_url=settings.sandbox_url)
    token = settings.home.secrets().sandbox_token
    try:
        async with KycControls(settings.sandbox_url, token) as controls:
            await _introduce(settings, controls, story.plan.slug, connection)
            if former is not None:
                await _introduce(settings, controls, f"{story.plan.slug}-former", former)
            if is_new:
                desk = _Desk(database, vault, story, vendors(connection), controls)
                await desk.seed()
    finally:
        await vendors.close()


async def _introduce(
    settings: Settings, controls: KycControls, name: str, one: KycConnection
) -> None:
    """Tell the sandbox an account of the brand, and where its notices are heard now."""
    vault = Vault(settings.home.secrets().master_key)
    endpoint = f"{one.brand_id.hex}_{one.id.hex}"
    await controls.put_account(
        name,
        api_key=open_api_key(vault, one),
        notice_url=f"http://127.0.0.1:{settings.port}/notices/compliance/sandbox/{endpoint}",
        notice_secret=open_notice_secrets(vault, one)[0],
    )


async def _connect(work: WriteWork, story: BrandStory, vault: Vault) -> bool:
    """Add the connection once, its secrets made here and known to nobody; whether it is new."""
    if await find_connection(work, kyc_connection_id(story)) is not None:
        return False
    plan = KycConnectionPlan(
        kyc_connection_id(story),
        story.plan.legal_entity_id,
        "Sandbox",
        KycVendorKind.SANDBOX,
        SANDBOX,
        api_key=secrets.token_urlsafe(32),
        notice_secrets=(secrets.token_urlsafe(32),),
    )
    await save_connection(work, vault, plan)
    return True


@dataclass(frozen=True, slots=True)
class _Desk:
    """A brand's compliance: what clients begin, the vendor says and staff decide."""

    database: Database
    vault: Vault
    story: BrandStory
    vendor: KycVendor
    controls: KycControls

    @property
    def scope(self) -> Scope:
        return system_scope(self.story.plan.id)

    async def seed(self) -> None:
        officer, admin = await self._staff(Role.COMPLIANCE), await self._staff(Role.BRAND_ADMIN)
        states = STATES[self.story.plan.slug]
        for client_id, state in zip(await self._clients(), states, strict=False):
            await self._put(client_id, state, officer, admin)

    async def _put(self, client_id: UUID, state: str, officer: Scope, admin: Scope) -> None:
        if state == "papers":
            await self._bring(client_id)
            return
        case_id = await self._begin(client_id)
        if state == "expired":
            await self.database.write(self.scope, partial(_age, case_id=case_id))
            await self.database.write(self.scope, partial(expire, case_id=case_id))
            return
        await self._let_vendor_say(case_id, state)
        if state == "address":
            address = await self._bring(client_id)
            await self._decide(address, officer)
            await self._confirm(address, admin)
        if state == "proposed":
            await self._decide(case_id, officer)

    async def _let_vendor_say(self, case_id: UUID, state: str) -> None:
        """The client is at the vendor, whose word is pulled once it has spoken."""
        async with self.database.read(self.scope) as work:
            case = await find_case(work, case_id)
        request = ApplicantRequest(case_id.hex, case.level, case.return_url)
        applicant = await self.vendor.create_applicant(request)
        await self._record(case.connection_id, applicant.id)
        match state:
            case "waiting":
                return
            case "pending":
                await self.controls.submit(applicant.id, "slow")
            case "pep":
                await self.controls.decide(applicant.id, "GREEN", labels=["PEP"], screening=["PEP"])
            case "sanctions":
                await self.controls.decide(
                    applicant.id, "GREEN", labels=["SANCTIONS"], screening=["SANCTIONS"]
                )
            case "hold" | "proposed":
                await self.controls.decide(applicant.id, None)
            case "retry":
                await self.controls.decide(
                    applicant.id,
                    "RED",
                    reject_type="RETRY",
                    labels=["UNSATISFACTORY_PHOTOS"],
                    moderation_comment="The photos can't be read. Take them again.",
                )
            case "final":
                await self.controls.decide(
                    applicant.id,
                    "RED",
                    reject_type="FINAL",
                    labels=["FORGERY"],
                    moderation_comment="We could not verify you.",
                )
            case _:
                await self.controls.decide(applicant.id, "GREEN")
        await self._record(case.connection_id, applicant.id)

    async def _record(self, connection_id: UUID, applicant_id: str) -> None:
        found = await self.vendor.find_applicant(applicant_id)
        assert found is not None, "made just now"
        await self.database.write(
            self.scope, lambda work: record_applicant(work, connection_id, found)
        )

    async def _begin(self, client_id: UUID) -> UUID:
        wish = SubmitWish(client_id, "IDENTITY", f"https://{self.story.plan.hosts[0]}/identity")
        done = await self.database.write(self.scope, lambda work: submit_case(work, wish))
        return UUID(done.value["case"])

    async def _bring(self, client_id: UUID) -> UUID:
        """A bill, and a case of it that waits for people."""

        async def command(work: WriteWork) -> dict[str, str]:
            wish = PaperWish(
                client_id,
                DocumentKind.UTILITY_BILL,
                "bill.pdf",
                MediaType.PDF,
                len(PAPER),
                issued_on=work.now().date() - timedelta(days=20),
            )
            document_id = await expect_document(work, wish)
            await store_document(work, self.vault, document_id, PAPER)
            return await submit_case(
                work, SubmitWish(client_id, "ADDRESS", document_ids=[document_id])
            )

        return UUID((await self.database.write(self.scope, command)).value["case"])

    async def _decide(self, case_id: UUID, who: Scope) -> None:
        version = await self._version(case_id)
        verdict = Verdict(CaseStatus.APPROVED, "Compared with what the client told us.")
        await self.database.write(
            who, lambda work: decide_case(work, case_id, verdict, version=version)
        )

    async def _confirm(self, case_id: UUID, who: Scope) -> None:
        version = await self._version(case_id)
        await self.database.write(
            who,
            lambda work: review_case(
                work, case_id, confirm=True, reason="Looked again.", version=version
            ),
        )

    async def _version(self, case_id: UUID) -> int:
        async with self.database.read(self.scope) as work:
            version: int = (await find_case(work, case_id)).version
        return version

    async def _staff(self, role: Role) -> Scope:
        """A member of the brand's staff, at work."""

        async def command(work: WriteWork) -> UUID | None:
            return await find_staff(work, staff_email(self.story, role))

        found = (await self.database.write(self.scope, command)).value
        assert found is not None, "staff were hired"
        actor = Actor(ActorKind.STAFF, found, role.value)
        return Scope(self.story.plan.id, actor, frozenset({"kyc:decide", "clients:all"}))

    async def _clients(self) -> Sequence[UUID]:
        async def command(work: WriteWork) -> list[UUID]:
            rows = [await find_by_email(work, one.email) for one in clients_of(self.story)]
            return [row.id for row in rows if row is not None]

        return (await self.database.write(self.scope, command)).value


async def _age(work: WriteWork, case_id: UUID) -> None:
    """It was proven years ago."""
    said = Said(DecisionSource.STAFF, CaseStatus.APPROVED, work.now() - _YEARS_AGO)
    await record_decision(work, await lock_case(work, case_id), said)
