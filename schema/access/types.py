"""Brands, legal entities and people, bound to `tenants.reads`."""

from asyncio import gather
from datetime import datetime, timedelta
from typing import Annotated, Any

import strawberry
from strawberry.scalars import JSON

from schema.access.enums import BrandStatus, StaffStatus, TrustedDocumentPolicy
from schema.shared.bind import Info, Node, bound, computed, field, value
from schema.shared.follow import wanted
from schema.shared.permission import public
from schema.shared.scalars import URL, CountryCode, CurrencyCode
from tenants.brands import next_day_reset

EntityRef = Annotated["LegalEntity", strawberry.lazy("schema.access.types")]


@strawberry.type(description="A document a client has to know or accept.", directives=public())
class LegalDocument:
    name: str = strawberry.field(description="What it is, such as `Terms and conditions`.")
    version: str = strawberry.field(description="Its version.")
    url: URL | None = strawberry.field(description="Where it can be read.")


def _documents(record: Any) -> list[LegalDocument]:
    return [
        LegalDocument(
            name=str(one.get("name", "")),
            version=str(one.get("version", "")),
            url=None if one.get("url") is None else URL(one["url"]),
        )
        for one in record.documents
    ]


@bound("legal_entity", "A licensed company that contracts with clients.", needs="public")
class LegalEntity(Node):
    name: str = value("Its registered name.")
    regulator: str = value("Who supervises it.")
    licence_number: str | None = value("The number of its licence.")
    risk_warning: str | None = value("The warning that its advertising must carry.")
    documents: list[LegalDocument] = computed(
        "Documents clients have to know or accept.", _documents, reads=("documents",)
    )
    policy_version: str = computed(
        "The jurisdiction and the version of its rules that apply, such as `CY-1`.",
        lambda record: f"{record.jurisdiction}-{record.jurisdiction_version}",
        reads=("jurisdiction", "jurisdiction_version"),
    )


@strawberry.type(description="What a brand says about one country.", directives=public())
class CountryRule:
    country: CountryCode = strawberry.field(description="The country.")
    name: str = strawberry.field(description="Its English name.")
    allowed: bool = strawberry.field(description="Whether clients from there are accepted.")
    legal_entity_id: strawberry.ID = strawberry.field(
        description="The legal entity that contracts with clients from there."
    )


def _countries(record: Any) -> list[CountryRule]:
    return [
        CountryRule(
            country=CountryCode(code),
            name=name,
            allowed=allowed,
            legal_entity_id=strawberry.ID("legal_entity_" + entity.replace("-", "")),
        )
        for code, name, allowed, entity in record.country_rules
    ]


@bound("brand", "A white-label business: it has its own clients, staff and rules.", needs="public")
class Brand(Node):
    slug: str = value("Its short name in addresses, unique in this installation.")
    name: str = value("What it is called.")
    status: BrandStatus = value("Whether it serves.")
    sandbox: bool = value("Whether this is a brand to try things on: no real money, movable time.")
    languages: list[str] = value("Languages it speaks, its own first.")
    currencies: list[CurrencyCode] = value("Currencies of its accounts.")
    features: list[str] = value("What it offers. Expect names you don't know.")
    branding: JSON = value("Colours, logo and the like, as the brand's front ends agreed.")
    time_zone: str = value("The time zone of its trading day, such as `Europe/Nicosia`.")
    countries: list[CountryRule] = computed(
        "Countries it has a rule for, by code.", _countries, reads=("country_rules",)
    )
    hosts: list[str] = value("Hosts that mean this brand.", needs="brand:read")
    created_at: datetime = value("When it was made.", needs="brand:read")
    trusted_document_policy: TrustedDocumentPolicy | None = value(
        "What its list of trusted documents is for; null for another brand than the one asked.",
        reads="document_policy",
        needs="brand:read",
    )

    @field("Legal entities that contract with its clients.", reads=("legal_entity_ids",), cost=10)
    async def legal_entities(self, info: Info) -> list[EntityRef]:
        record: Any = self
        want = wanted(info, "legal_entity")
        keys = sorted(record.legal_entity_ids)
        found = await gather(*(info.context.load("legal_entity", key, want) for key in keys))
        return [one for one in found if one is not None]

    @field("The brand's time now; ahead of the clock where a sandbox moved it.",
           reads=("clock_offset_ms",))  # fmt: skip
    def server_time(self, info: Info) -> datetime:
        return _brand_now(self, info)

    @field(
        "When the brand's trading day ends: its next local midnight.",
        reads=("clock_offset_ms", "time_zone"),
    )
    def next_day_reset(self, info: Info) -> datetime:
        record: Any = self
        return next_day_reset(_brand_now(self, info), record.time_zone)


def _brand_now(record: Any, info: Info) -> datetime:
    """The offset is a row of the brand itself: for other brands, which an operator lists, zero."""
    now: datetime = info.context.now()
    return now + timedelta(milliseconds=record.clock_offset_ms or 0)


@bound("staff", "A member of the brand's staff.", needs="staff:read")
class Staff(Node):
    name: str = value("Name.")
    email: str = value("E-mail address, the sign-in name.")
    status: StaffStatus = value("Whether the person may come in.")
    roles: list[str] = value("Names of the person's roles, sorted.")
    created_at: datetime = value("When the person joined.")


@bound("operator", "Somebody who runs this installation.", needs="audit:read")
class Operator(Node):
    name: str = value("Name.")


@strawberry.type(description="This system, acting by itself.", directives=public())
class SystemActor:
    name: str = strawberry.field(description="What part of it.")
