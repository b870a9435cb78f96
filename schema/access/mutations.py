"""Signing in and out, forgotten passwords, API tokens."""

from datetime import datetime
from typing import Annotated, Protocol
from uuid import UUID

import strawberry

from domain.kernel.errors import NotFound
from domain.kernel.ids import decode_id_of, encode_id
from schema.access.inputs import (
    ApiTokenCreateInput,
    ApiTokenRevokeInput,
    PasswordResetInput,
    PasswordResetRequestInput,
    SessionCreateInput,
    SessionRefreshInput,
    SessionRevokeInput,
)
from schema.access.tokens import ApiToken
from schema.shared.bind import Info, fetch_below
from schema.shared.errors import mutation, payload, result
from schema.shared.permission import public
from tenants.api_tokens import ApiTokenPlan, ApiTokens, revoke_api_token
from tenants.context import ActorKind
from tenants.password_reset import PasswordReset
from tenants.sessions import Issued, find_session_id, revoke_all, revoke_session
from tenants.sign_in import Attempt, SignIn
from tenants.tokens import Minted
from tenants.work import WriteWork


class AccessServices(Protocol):
    """What these mutations need of the application."""

    @property
    def sign_in(self) -> SignIn: ...
    @property
    def password_reset(self) -> PasswordReset: ...
    @property
    def api_tokens(self) -> ApiTokens: ...


@strawberry.type(description="The tokens of a session, shown once.", directives=public())
class SessionTokens:
    session_id: strawberry.ID = strawberry.field(description="The session.")
    access_token: str = strawberry.field(
        description="Send it as `Authorization: Bearer …` until it expires."
    )
    access_expires_at: datetime = strawberry.field(
        description="When the access token ends; refresh before."
    )
    refresh_token: str = strawberry.field(
        description="Good for one `sessionRefresh`. Used twice, it ends the session."
    )
    refresh_expires_at: datetime = strawberry.field(description="When the session ends.")

    @classmethod
    def of(cls, issued: Issued) -> "SessionTokens":
        """What a holder sees of a session's new tokens."""
        return cls(
            session_id=strawberry.ID(encode_id("session", issued.session_id)),
            access_token=issued.access.text,
            access_expires_at=issued.access_expires_at,
            refresh_token=issued.refresh.text,
            refresh_expires_at=issued.refresh_expires_at,
        )


_THROTTLED = {"THROTTLED": "Too many attempts; try again later."}


@payload(
    errors={
        "CREDENTIALS_INVALID": "E-mail and password open nothing here, or not yet, or no more.",
        **_THROTTLED,
    }
)
class SessionCreatePayload:
    tokens: SessionTokens | None = result("The new session's tokens.")


@payload(errors={"TOKEN_INVALID": "The refresh token is not valid any more; sign in again."})
class SessionRefreshPayload:
    tokens: SessionTokens | None = result("The session's next tokens.")


@payload(errors={"NOT_FOUND": "You have no such session."})
class SessionRevokePayload:
    revoked: int | None = result("How many sessions ended.")


@payload(errors=_THROTTLED)
class PasswordResetRequestPayload:
    accepted: bool | None = result("True, whether or not anybody has that e-mail address.")


@payload(
    errors={
        "TOKEN_INVALID": "The link was used, replaced, expired or never valid.",
        "PASSWORD_WEAK": "The password is too short, too long or too easy to guess.",
        **_THROTTLED,
    }
)
class PasswordResetPayload:
    done: bool | None = result("True: every session ended; sign in with the new password.")


@payload(
    errors={
        "INVALID": "A field's value can't be right; `path` says which.",
        "SCOPE_NOT_HELD": "You can't grant what you don't hold or the token's role can't use.",
        "NOT_FOUND": "There is no such introducing broker for you.",
    }
)
class ApiTokenCreatePayload:
    api_token: ApiToken | None = result("The token without its secret.")
    token: str | None = result("The token itself; shown now and never again.")


@payload(errors={"NOT_FOUND": "There is no such token for you."})
class ApiTokenRevokePayload:
    api_token: ApiToken | None = result("The token as it is now.")


CreateInput = Annotated[SessionCreateInput, strawberry.argument(description="Who signs in.")]
RefreshInput = Annotated[SessionRefreshInput, strawberry.argument(description="Which session.")]
RevokeInput = Annotated[SessionRevokeInput, strawberry.argument(description="Which session.")]
ForgottenInput = Annotated[PasswordResetRequestInput, strawberry.argument(description="Who.")]
ResetInput = Annotated[PasswordResetInput, strawberry.argument(description="The new password.")]
TokenInput = Annotated[ApiTokenCreateInput, strawberry.argument(description="What it may do.")]
TokenIdInput = Annotated[ApiTokenRevokeInput, strawberry.argument(description="Which token.")]


@strawberry.type
class AccessMutations:
    @mutation(
        "Sign in with e-mail and password, in the brand that the publishable key or host names.",
        needs="public",
    )
    async def session_create(self, info: Info, input: CreateInput) -> SessionCreatePayload:
        services: AccessServices = info.context.services
        attempt = Attempt(
            kind=ActorKind(str(input.actor.value)),
            email=input.email,
            password=input.password,
            user_agent=input.device,
        )
        issued = await services.sign_in(info.context.scope, attempt)
        return SessionCreatePayload(tokens=SessionTokens.of(issued))

    @mutation(
        "Change a refresh token for the session's next tokens. A token that was used before ends "
        "the whole session.",
        needs="public",
    )
    async def session_refresh(self, info: Info, input: RefreshInput) -> SessionRefreshPayload:
        services: AccessServices = info.context.services
        issued = await services.sign_in.refresh(info.context.scope, input.refresh_token)
        return SessionRefreshPayload(tokens=SessionTokens.of(issued))

    @mutation(
        "End a session of one's own, or all others. Its tokens write nothing more at once, and "
        "read nothing more within 2 seconds.",
        needs="session:read",
    )
    async def session_revoke(self, info: Info, input: RevokeInput) -> SessionRevokePayload:
        context = info.context
        if input.session_id is None:
            session_id = await find_session_id(context.work)
        else:
            session_id = decode_id_of("session", input.session_id)
        await context.refresh()
        if session_id is None:
            raise NotFound("No such session.", path=("input", "sessionId"))

        async def command(work: WriteWork) -> int:
            actor = work.scope.actor
            if not input.others:
                return await revoke_session(work, session_id)
            assert actor.id is not None, "whoever has a session has an id"
            return await revoke_all(work, actor.kind, actor.id, keep=session_id)

        return SessionRevokePayload(revoked=(await context.write(command)).value)

    @mutation(
        "Ask for a mail that lets one set a new password. The answer is the same for everybody.",
        needs="public",
    )
    async def password_reset_request(
        self, info: Info, input: ForgottenInput
    ) -> PasswordResetRequestPayload:
        services: AccessServices = info.context.services
        kind = ActorKind(str(input.actor.value))
        await services.password_reset.request(info.context.scope, kind, input.email)
        return PasswordResetRequestPayload(accepted=True)

    @mutation("Set a new password with the token from the mail.", needs="public")
    async def password_reset(self, info: Info, input: ResetInput) -> PasswordResetPayload:
        services: AccessServices = info.context.services
        await services.password_reset.complete(info.context.scope, input.token, input.password)
        return PasswordResetPayload(done=True)

    @mutation("Make a token for a program.", needs="tokens:manage")
    async def api_token_create(self, info: Info, input: TokenInput) -> ApiTokenCreatePayload:
        services: AccessServices = info.context.services
        plan = ApiTokenPlan(
            name=input.name,
            scopes=tuple(input.scopes),
            days=input.days,
            root_ib_id=_ib(input.root_ib_id),
            addresses=tuple(input.addresses),
        )

        async def command(work: WriteWork) -> Minted:
            return await services.api_tokens.create(work, plan)

        made = (await info.context.write(command)).value
        shown = await fetch_below(info, "api_token", "api_token", made.id)
        return ApiTokenCreatePayload(api_token=shown, token=made.text)

    @mutation(
        "End a token for programs. It writes nothing more at once, and reads nothing more within "
        "2 seconds.",
        needs="tokens:manage",
    )
    async def api_token_revoke(self, info: Info, input: TokenIdInput) -> ApiTokenRevokePayload:
        token_id = decode_id_of("api_token", input.api_token_id)
        if token_id is None:
            raise NotFound("No such token.", path=("input", "apiTokenId"))

        async def command(work: WriteWork) -> None:
            await revoke_api_token(work, token_id)

        await info.context.write(command)
        shown = await fetch_below(info, "api_token", "api_token", token_id)
        return ApiTokenRevokePayload(api_token=shown)


def _ib(shown: str | None) -> UUID | None:
    """The key of an ib in an input; a malformed id is an unknown one."""
    if shown is None:
        return None
    key = decode_id_of("ib", shown)
    if key is None:
        raise NotFound("No such ib.", path=("input", "rootIbId"))
    return key
