"""What can be done to clients."""

from typing import Annotated, Protocol
from uuid import UUID

import strawberry

from domain.clients.commands.add_note import add_note
from domain.clients.commands.assign_client import assign_client
from domain.clients.commands.set_risk import set_risk
from domain.clients.commands.update_client import update_client
from domain.clients.registration import register, verify
from domain.clients.values import ClientRisk, ProfileChange, RegistrationForm, Verification
from domain.ibs.queries import find_introducer
from domain.kernel.errors import NotFound
from domain.kernel.ids import decode_id_of
from schema.access.mutations import SessionTokens
from schema.clients.inputs import (
    ClientAssignInput,
    ClientNoteCreateInput,
    ClientRegisterInput,
    ClientRiskSetInput,
    ClientUpdateInput,
    EmailVerifyInput,
)
from schema.clients.types import Client, Note
from schema.shared.bind import Info, fetch_below
from schema.shared.errors import mutation, payload, result
from tenants.passwords import Passwords
from tenants.work import WriteWork


class ClientServices(Protocol):
    """What these mutations need of the application."""

    @property
    def passwords(self) -> Passwords: ...


RegisterInput = Annotated[ClientRegisterInput, strawberry.argument(description="Who it is.")]
VerifyInput = Annotated[EmailVerifyInput, strawberry.argument(description="The token.")]
UpdateInput = Annotated[
    ClientUpdateInput, strawberry.argument(description="The client and its changes.")
]
AssignInput = Annotated[
    ClientAssignInput, strawberry.argument(description="The client and its owner.")
]
RiskInput = Annotated[
    ClientRiskSetInput, strawberry.argument(description="The client and its risk.")
]
NoteInput = Annotated[
    ClientNoteCreateInput, strawberry.argument(description="The client and the text.")
]


@payload(
    errors={
        "INVALID": "A field's value can't be right; `path` says which.",
        "PASSWORD_WEAK": "The password is too short, too long or too easy to guess.",
        "COUNTRY_NOT_ALLOWED": "The brand does not serve the country.",
        "IB_UNKNOWN": "No active introducing broker has the code.",
        "THROTTLED": "Too many attempts; try again later.",
    }
)
class ClientRegisterPayload:
    accepted: bool = strawberry.field(
        description="Whether a mail is on its way to the address. The same for an address that "
        "is registered already, so that nobody learns who is a client; therefore the client "
        "itself is not shown before its address is verified.",
        default=False,
    )


@payload(
    errors={
        "TOKEN_INVALID": "The token was used, replaced, expired or never valid.",
        "PASSWORD_REQUIRED": "The address was registered more than once: let its owner choose a "
        "password and send it with the same token.",
        "PASSWORD_WEAK": "The password is too short, too long or too easy to guess.",
        "THROTTLED": "Too many attempts; try again later.",
    },
)
class EmailVerifyPayload:
    tokens: SessionTokens | None = result(
        "The client's first session, so that a portal goes on; ask `viewer` for the client."
    )


@payload(
    errors={
        "NOT_FOUND": "There is no such client for you.",
        "INVALID": "A field's value can't be right; `path` says which.",
        "VERSION_CONFLICT": "The client has another version; read it again.",
        "FIELD_NOT_ALLOWED": "You may not change the field at `path`.",
        "COUNTRY_NOT_ALLOWED": "The country is not served by the client's legal entity.",
        "CLIENT_CLOSED": "The client is closed.",
    }
)
class ClientUpdatePayload:
    client: Client | None = result("The client as it is now.")


@payload(
    errors={
        "NOT_FOUND": "There is no such client or member of staff for you.",
        "VERSION_CONFLICT": "The client has another version; read it again.",
        "CLIENT_CLOSED": "The client is closed.",
    }
)
class ClientAssignPayload:
    client: Client | None = result("The client as it is now; null when it left your sight.")


@payload(
    errors={
        "NOT_FOUND": "There is no such client for you.",
        "INVALID": "The reason is empty or too long.",
        "VERSION_CONFLICT": "The client has another version; read it again.",
        "CLIENT_CLOSED": "The client is closed.",
    }
)
class ClientRiskSetPayload:
    client: Client | None = result("The client as it is now.")


@payload(
    errors={
        "NOT_FOUND": "There is no such client for you.",
        "INVALID": "The text is empty or too long.",
    }
)
class ClientNoteCreatePayload:
    note: Note | None = result("The new note.")


@strawberry.type
class ClientMutations:
    @mutation(
        "Become a client of the brand whose publishable key, or host, the request carries. "
        "A mail with a token follows; see `emailVerify`.",
        needs="public",
    )
    async def client_register(self, info: Info, input: RegisterInput) -> ClientRegisterPayload:
        services: ClientServices = info.context.services
        form = RegistrationForm(
            name=input.name,
            email=input.email,
            password=input.password,
            country=input.country,
            phone=input.phone,
            language=input.language,
            ib_code=input.ib_code,
        )
        await register(
            info.context.database,
            services.passwords,
            info.context.scope,
            form=form,
            find_introducer=find_introducer,
        )
        return ClientRegisterPayload(accepted=True)

    @mutation(
        "Prove an e-mail address with the token from the mail; the client is signed in.",
        needs="public",
    )
    async def email_verify(self, info: Info, input: VerifyInput) -> EmailVerifyPayload:
        services: ClientServices = info.context.services
        issued = await verify(
            info.context.database,
            services.passwords,
            info.context.scope,
            typed=Verification(input.token, input.password, input.device),
        )
        return EmailVerifyPayload(tokens=SessionTokens.of(issued))

    @mutation(
        "Change a client's profile: one's own phone and language, or as staff all of it.",
        needs="clients:write",
    )
    async def client_update(self, info: Info, input: UpdateInput) -> ClientUpdatePayload:
        client_id = _key("client", input.client_id, "clientId")
        change = ProfileChange(
            name=input.name,
            phone=input.phone,
            country=input.country,
            language=input.language,
            tags=None if input.tags is None else tuple(input.tags),
        )

        async def command(work: WriteWork) -> object:
            return await update_client(
                work, client_id, change, expected_version=input.expected_version
            )

        await info.context.write(command)
        return ClientUpdatePayload(client=await fetch_below(info, "client", "client", client_id))

    @mutation("Give a client to a member of staff, or to nobody.", needs="clients:assign")
    async def client_assign(self, info: Info, input: AssignInput) -> ClientAssignPayload:
        client_id = _key("client", input.client_id, "clientId")
        owner_id = None if input.owner_id is None else _key("staff", input.owner_id, "ownerId")

        async def command(work: WriteWork) -> object:
            return await assign_client(
                work, client_id, owner_id, expected_version=input.expected_version
            )

        await info.context.write(command)
        return ClientAssignPayload(client=await fetch_below(info, "client", "client", client_id))

    @mutation("Set how closely a client's money is looked at.", needs="clients:risk")
    async def client_risk_set(self, info: Info, input: RiskInput) -> ClientRiskSetPayload:
        client_id = _key("client", input.client_id, "clientId")

        async def command(work: WriteWork) -> object:
            return await set_risk(
                work,
                client_id,
                ClientRisk(str(input.risk.value)),
                input.reason,
                expected_version=input.expected_version,
            )

        await info.context.write(command)
        return ClientRiskSetPayload(client=await fetch_below(info, "client", "client", client_id))

    @mutation("Write a note on a client, for staff alone.", needs="notes:write")
    async def client_note_create(self, info: Info, input: NoteInput) -> ClientNoteCreatePayload:
        client_id = _key("client", input.client_id, "clientId")

        async def command(work: WriteWork) -> object:
            return await add_note(work, client_id, input.body)

        note_id = (await info.context.write(command)).value
        return ClientNoteCreatePayload(note=await fetch_below(info, "note", "note", note_id))


def _key(kind: str, shown: str, field: str) -> UUID:
    """The key of an id in an input; a malformed id and another type's are unknown ones."""
    key = decode_id_of(kind, shown)
    if key is None:
        raise NotFound(path=("input", field))
    return key
