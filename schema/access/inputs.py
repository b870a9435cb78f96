"""Inputs of sessions, passwords and API tokens."""

import strawberry

from schema.access.enums import SessionActor


@strawberry.input(description="Who signs in.")
class SessionCreateInput:
    actor: SessionActor = strawberry.field(description="As what.", default=SessionActor.CLIENT)
    email: str = strawberry.field(description="E-mail address.")
    password: str = strawberry.field(description="Password.")
    device: str | None = strawberry.field(
        description="What the list of sessions shows of the device, at most 300 characters.",
        default=None,
    )


@strawberry.input(description="A session that goes on.")
class SessionRefreshInput:
    refresh_token: str = strawberry.field(description="The session's newest refresh token.")


@strawberry.input(description="A session to end.")
class SessionRevokeInput:
    session_id: strawberry.ID | None = strawberry.field(
        description="One of the viewer's own; without it the session that is asking.",
        default=None,
    )
    others: bool = strawberry.field(
        description="End all of the viewer's sessions but that one, and keep that one.",
        default=False,
    )


@strawberry.input(description="Somebody who forgot a password.")
class PasswordResetRequestInput:
    actor: SessionActor = strawberry.field(
        description="As what the person signs in.", default=SessionActor.CLIENT
    )
    email: str = strawberry.field(description="E-mail address.")


@strawberry.input(description="A new password, allowed by what the mail contained.")
class PasswordResetInput:
    token: str = strawberry.field(description="The token from the mail.")
    password: str = strawberry.field(
        description="10 to 128 characters, not among the first guesses, without name or address."
    )


@strawberry.input(description="A token to be.")
class ApiTokenCreateInput:
    name: str = strawberry.field(description="What it is for, at most 100 characters.")
    scopes: list[str] = strawberry.field(
        description="Names of permissions; only such as you hold and its role can use."
    )
    days: int = strawberry.field(description="How long it lives, 1 to 730 days.")
    root_ib_id: strawberry.ID | None = strawberry.field(
        description="Makes it an introducing broker's token, limited to its subtree; without it "
        "the token is a service's and acts for the whole brand.",
        default=None,
    )
    addresses: list[str] = strawberry.field(
        description="IP addresses or networks it may be used from; empty for anywhere.",
        default_factory=list,
    )


@strawberry.input(description="A token to end.")
class ApiTokenRevokeInput:
    api_token_id: strawberry.ID = strawberry.field(description="The token.")
