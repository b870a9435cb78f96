"""Inputs of leads."""

import strawberry

from schema.clients.lead_enums import LeadLostReason, LeadStage
from schema.shared.scalars import CountryCode

_EXPECTED = "The `version` that was read; another one is a `VERSION_CONFLICT`."


@strawberry.input(
    description="Somebody's details and where it came from. An address or a number is needed."
)
class LeadCreateInput:
    source: str = strawberry.field(
        description="Where the lead came from, such as `google`; `utm_source`."
    )
    name: str | None = strawberry.field(
        description="Full name, at most 100 characters.", default=None
    )
    email: str | None = strawberry.field(description="E-mail address.", default=None)
    phone: str | None = strawberry.field(
        description="Phone number with its country, such as `+35799123456`.", default=None
    )
    country: CountryCode | None = strawberry.field(
        description="Country of residence.", default=None
    )
    language: str | None = strawberry.field(
        description="Language to talk in, such as `en`.", default=None
    )
    campaign: str | None = strawberry.field(
        description="The campaign; `utm_campaign`.", default=None
    )
    medium: str | None = strawberry.field(
        description="The kind of advertisement, such as `cpc`; `utm_medium`.", default=None
    )
    term: str | None = strawberry.field(
        description="The words that were looked for; `utm_term`.", default=None
    )
    content: str | None = strawberry.field(
        description="Which advertisement; `utm_content`.", default=None
    )
    click_id: str | None = strawberry.field(
        description="The id of the click, such as a `gclid`.", default=None
    )
    landing_page: str | None = strawberry.field(
        description="The http or https address of the page that was seen first, at most 2,000 "
        "characters.",
        default=None,
    )
    referrer: str | None = strawberry.field(
        description="The address of the page before that, at most 2,000 characters; an "
        "`android-app` can be one.",
        default=None,
    )
    ib_code: str | None = strawberry.field(
        description="Code of the introducing broker whose link it was. A code that nobody has is "
        "kept and counts for nothing.",
        default=None,
    )


@strawberry.input(description="A lead and the stage to bring it to.")
class LeadStageChangeInput:
    lead_id: strawberry.ID = strawberry.field(description="The lead.")
    expected_version: int = strawberry.field(description=_EXPECTED)
    stage: LeadStage = strawberry.field(
        description="`CONTACTED`, `INTERESTED`, `LOST` or `DNC`; the others come by themselves."
    )
    lost_reason: LeadLostReason | None = strawberry.field(
        description="Why, for `LOST` and for nothing else.", default=None
    )


@strawberry.input(description="A lead and who is to look after it.")
class LeadAssignInput:
    lead_id: strawberry.ID = strawberry.field(description="The lead.")
    expected_version: int = strawberry.field(description=_EXPECTED)
    owner_id: strawberry.ID | None = strawberry.field(
        description="The member of staff; null for nobody.", default=None
    )


@strawberry.input(description="A member of staff's place among those who are given leads.")
class LeadAgentSetInput:
    staff_id: strawberry.ID = strawberry.field(description="The member of staff.")
    enabled: bool = strawberry.field(description="Whether leads are to be given now.")
    capacity: int = strawberry.field(
        description="How many leads at hand at most, 1 to 100,000; then others come first."
    )
    languages: list[str] = strawberry.field(
        description="Only leads of these languages, and of none; empty for all.",
        default_factory=list,
    )
    countries: list[CountryCode] = strawberry.field(
        description="Only leads of these countries, and of none; empty for all.",
        default_factory=list,
    )
