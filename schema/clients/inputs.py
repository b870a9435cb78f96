"""Filters, orders and inputs of clients."""

import strawberry

from schema.clients.enums import ClientKind, ClientRisk, ClientStatus
from schema.shared.page import (
    Choice,
    DateTimeFilter,
    IdFilter,
    SearchFilter,
    TagFilter,
    TextFilter,
    condition,
    order_input,
)
from schema.shared.scalars import CountryCode


@strawberry.input(description="Which clients to list; all conditions hold.")
class ClientFilter:
    status: Choice[ClientStatus] | None = condition("Where the client stands.")
    kind: Choice[ClientKind] | None = condition("What the client is.")
    country: TextFilter | None = condition("Country of residence, such as `CY`.")
    created_at: DateTimeFilter | None = condition("When the client registered.")
    owner_id: IdFilter | None = condition("Who looks after the client.", id_of="staff")
    ib_id: IdFilter | None = condition("Who introduced the client, directly.", id_of="ib")
    tags: TagFilter | None = condition("One of staff's labels.")
    search: SearchFilter | None = condition(
        "Part of a name, an e-mail address or a phone number. Fields that you see masked are not "
        "searched."
    )


ClientOrder = order_input(
    "Client",
    {
        "CREATED_AT": "When the client registered.",
        "NAME": "By name; refused when you see names masked.",
        "REFERENCE": "By reference, which is the order of registration.",
    },
)
NoteOrder = order_input("Note", {"CREATED_AT": "When it was written."})
TimelineOrder = order_input("TimelineItem", {"OCCURRED": "In the order it happened."})


@strawberry.input(description="Which part of a timeline to list; all conditions hold.")
class TimelineFilter:
    topic: TextFilter | None = condition("What it is about, such as `ACCOUNT`.")
    occurred_at: DateTimeFilter | None = condition("When it happened.")


@strawberry.input(description="Somebody who wants to become a client.")
class ClientRegisterInput:
    name: str = strawberry.field(description="Full name, at most 100 characters.")
    email: str = strawberry.field(description="E-mail address; the sign-in name.")
    password: str = strawberry.field(
        description="10 to 128 characters, not among the first guesses, without name or address."
    )
    country: CountryCode = strawberry.field(description="Country of residence.")
    phone: str | None = strawberry.field(
        description="Phone number with its country, such as `+35799123456`.", default=None
    )
    language: str | None = strawberry.field(
        description="One of the brand's languages; without it the brand's first.", default=None
    )
    ib_code: str | None = strawberry.field(
        description="Code of the introducing broker who sent the client.", default=None
    )


@strawberry.input(description="The token out of the mail.")
class EmailVerifyInput:
    token: str = strawberry.field(description="The token, as it stands in the mail.")
    password: str | None = strawberry.field(
        description="A new password, in place of the one from registration. Ask for it after "
        "`PASSWORD_REQUIRED`.",
        default=None,
    )
    device: str | None = strawberry.field(
        description="What the list of sessions shows of the device, at most 300 characters.",
        default=None,
    )


@strawberry.input(description="Fields to change on a client; what is left out stays.")
class ClientUpdateInput:
    client_id: strawberry.ID = strawberry.field(description="The client.")
    expected_version: int = strawberry.field(
        description="The `version` that was read; another one is a `VERSION_CONFLICT`."
    )
    name: str | None = strawberry.field(description="Full name. Staff only.", default=None)
    phone: str | None = strawberry.field(
        description="Phone number with its country; an empty text removes it.", default=None
    )
    country: CountryCode | None = strawberry.field(
        description="Country of residence, served by the same legal entity. Staff only.",
        default=None,
    )
    language: str | None = strawberry.field(
        description="One of the brand's languages.", default=None
    )
    tags: list[str] | None = strawberry.field(
        description="All labels, at most 20 of 40 characters. Staff only.", default=None
    )


@strawberry.input(description="A client and who is to look after it.")
class ClientAssignInput:
    client_id: strawberry.ID = strawberry.field(description="The client.")
    expected_version: int = strawberry.field(
        description="The `version` that was read; another one is a `VERSION_CONFLICT`."
    )
    owner_id: strawberry.ID | None = strawberry.field(
        description="The member of staff; null for nobody.", default=None
    )


@strawberry.input(description="A client and how closely its money is to be looked at.")
class ClientRiskSetInput:
    client_id: strawberry.ID = strawberry.field(description="The client.")
    expected_version: int = strawberry.field(
        description="The `version` that was read; another one is a `VERSION_CONFLICT`."
    )
    risk: ClientRisk = strawberry.field(description="How closely.")
    reason: str = strawberry.field(description="Why, for the audit trail; 1 to 500 characters.")


@strawberry.input(description="A note to write on a client.")
class ClientNoteCreateInput:
    client_id: strawberry.ID = strawberry.field(description="The client.")
    body: str = strawberry.field(description="The text, 1 to 10,000 characters.")
