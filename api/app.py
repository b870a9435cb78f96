"""Assembles the application: the only place where rooms are wired together."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from api.auth import ACTORS, Origins, authenticate, make_identifier
from api.board import board_routes, own_documents
from api.embedded.endpoints import Endpoints
from api.graphql.trusted import Trusted
from api.graphql.view import PATH, GraphQLView
from api.health import health_routes
from api.levers import OutsideLevers
from api.notices import notice_routes
from api.papers import PaperDoor
from api.platforms import Platforms
from api.services import Services
from api.settings import Settings
from api.statements import StatementDoor
from domain.challenges.events import TOPIC as CHALLENGE_TOPIC
from domain.challenges.events import ChallengeEventKind
from domain.clients.events import TOPIC as CLIENT_TOPIC
from domain.clients.events import ClientEventKind
from domain.clients.leads.events import TOPIC as LEAD_TOPIC
from domain.clients.leads.rights import SEES_ALL_LEADS
from domain.clients.reach import OwnClients
from domain.compliance.events import TOPIC as COMPLIANCE_TOPIC
from domain.compliance.events import ComplianceEventKind
from domain.compliance.identity.links import PaperLinks
from domain.events.bus import PostgresBus
from domain.events.cursor import FeedCursors
from domain.events.hub import Hub
from domain.events.rights import RightsWatch
from domain.events.state_socket import StateLink
from domain.events.states import States
from domain.events.stream import Feeds
from domain.events.values import Audience
from domain.ibs.events import TOPIC as IB_TOPIC
from domain.ibs.events import IbEventKind
from domain.payments.events import PAYMENT_TOPIC, PaymentEventKind
from domain.payments.statements.links import StatementLinks
from schema.root import build, plain
from schema.shared.context import Context, Reading
from schema.shared.plans import Plans
from tenants.api_tokens import ApiTokens
from tenants.brands import Directory
from tenants.context import Scope
from tenants.database import make_engine
from tenants.denials import Denials
from tenants.identify import Identifier
from tenants.password_reset import PasswordReset
from tenants.passwords import Passwords
from tenants.secrets import Vault
from tenants.sign_in import SignIn
from tenants.throttle import network_of
from tenants.token_use import TokenUse
from tenants.trusted_lists import TrustedLists
from tenants.work import Database

TOPICS = {
    "ACCOUNT": "accounts:watch",
    "CHALLENGE": "challenges:watch",
    "CLIENT": "clients:watch",
    "COMPLIANCE": "kyc:watch",
    "DEPOSIT": "deposits:watch",
    "IB": "ibs:watch",
    "LEAD": "leads:watch",
    "LEDGER": "ledger:watch",
    "PAYMENT": "payments:watch",
    "SCREENING": "screening:read",
}
# What staff are told and clients are not.
KINDS = {
    (CHALLENGE_TOPIC, str(ChallengeEventKind.LIQUIDATION_HALTED)): "liquidation:manage",
    (CHALLENGE_TOPIC, str(ChallengeEventKind.LIQUIDATION_RESUMED)): "liquidation:manage",
    (CLIENT_TOPIC, str(ClientEventKind.NOTE_ADDED)): "notes:read",
    (CLIENT_TOPIC, str(ClientEventKind.RISK_SET)): "clients:risk",
    (IB_TOPIC, str(IbEventKind.ACCRUED)): "commissions:read",
    (IB_TOPIC, str(IbEventKind.REVERSED)): "commissions:read",
    (IB_TOPIC, str(IbEventKind.BECAME_PAYABLE)): "commissions:read",
    (IB_TOPIC, str(IbEventKind.RATES_INVERTED)): "plans:manage",
    (COMPLIANCE_TOPIC, str(ComplianceEventKind.DECISION_PROPOSED)): "kyc:list",
    (COMPLIANCE_TOPIC, str(ComplianceEventKind.DECISION_DECLINED)): "kyc:list",
    (COMPLIANCE_TOPIC, str(ComplianceEventKind.RISK_COMPUTED)): "clients:risk",
    (PAYMENT_TOPIC, str(PaymentEventKind.APPROVAL_GIVEN)): "approvals:list",
    (PAYMENT_TOPIC, str(PaymentEventKind.APPROVALS_ADDED)): "approvals:list",
    (PAYMENT_TOPIC, str(PaymentEventKind.APPROVALS_RESET)): "approvals:list",
    (PAYMENT_TOPIC, str(PaymentEventKind.EVIDENCE_SUBMITTED)): "disputes:list",
    (PAYMENT_TOPIC, str(PaymentEventKind.DISCREPANCY_FOUND)): "reconciliation:read",
    (PAYMENT_TOPIC, str(PaymentEventKind.DISCREPANCY_RESOLVED)): "reconciliation:read",
}
# Where staff without the permission are told of what is their own.
OWNED = {LEAD_TOPIC: SEES_ALL_LEADS}


def audience() -> Audience:
    """Which permission each topic of the log takes; staff may be held to their own clients."""
    return Audience(TOPICS, KINDS, OwnClients(), OWNED)


class _Application(Starlette):
    """Starlette's routes, with the one path that nearly all requests go to in front of them: it
    answers its own errors, and needs nothing that stands between."""

    def __init__(self, view: GraphQLView, **given: Any) -> None:
        super().__init__(**given)
        self._view = view

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH:
            scope["app"] = self
            await self._view(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


@dataclass(frozen=True, slots=True)
class _Contexts:
    """Makes the context of one operation for whoever the connection turns out to be."""

    identifier: Identifier
    database: Database
    reading: Reading
    services: Services

    async def __call__(
        self, connection: HTTPConnection, parameters: Mapping[str, str] | None, /
    ) -> Context[Services]:
        scope = await authenticate(self.identifier, connection, parameters)
        return Context(
            scope=scope,
            database=self.database,
            reading=self.reading,
            services=self.services,
            throttle_keys=throttle_keys(scope),
            reached_at=partial(origin_of, connection),
        )


def origin_of(connection: HTTPConnection) -> str:
    """Where the caller reached us, over HTTP also when it came by a socket."""
    scheme = "https" if connection.url.scheme in ("https", "wss") else "http"
    return f"{scheme}://{connection.url.netloc}"


def throttle_keys(scope: Scope) -> tuple[str, ...]:
    """The caller's own bucket, then the brand's."""
    brand = f"brand:{scope.brand_id.hex}"
    if scope.token_id is None:
        return (f"anonymous:{scope.brand_id.hex}:{network_of(scope.ip or '')}", brand)
    return (f"token:{scope.brand_id.hex}:{scope.token_id.hex}", brand)


def build_app() -> Starlette:
    """The application of this process, by the environment's settings."""
    settings = Settings()
    made = assemble_app(settings, settings.endpoints())
    # The schema is there for good: looking through all of it for garbage again and again is what
    # most of a collection would be.
    gc.collect()
    gc.freeze()
    return made


def assemble_app(settings: Settings, endpoints: Endpoints, *, with_plans: bool = True) -> Starlette:
    """The application over given settings and database; connects when its lifespan begins.

    `with_plans` is switched off to compare: the executor then answers every operation.
    """
    engine = make_engine(endpoints.url("app", driver="asyncpg"), pool_size=settings.pool_size)
    bus = PostgresBus(endpoints.url("app"))
    database = Database(engine, wake=bus.wake)
    directory, passwords, denials = Directory(database), Passwords(), Denials(database)
    use, lists = TokenUse(database), TrustedLists(database)
    whoever = audience()
    # A dead token closes its sockets (4403), not only its feeds.
    watch = RightsWatch(database, whoever, ended=lambda token_id: view.live.revoke(token_id))
    hub, states = Hub(database, bus, whoever, rights=watch), States()
    keys = settings.home.secrets()
    platforms, vault = Platforms(settings.home.run_dir()), Vault(keys.master_key)
    links, papers = StatementLinks(vault), PaperLinks(vault)
    services = Services(
        feeds=Feeds(hub, database, FeedCursors(keys.cursor_key)),
        states=states,
        directory=directory,
        passwords=passwords,
        sign_in=SignIn(database, passwords, ACTORS, denials),
        password_reset=PasswordReset(database, passwords, ACTORS),
        api_tokens=ApiTokens(ACTORS),
        denials=denials,
        trusted=lists,
        vault=vault,
        platforms=platforms,
        allow_local_pages=settings.environment == "development",
        statements=links,
        papers=papers,
        levers=OutsideLevers(settings),
    )
    assembled = build(keys.cursor_key, on_denied=_on_denied(denials))
    identifier = make_identifier(database, directory, use)
    view = GraphQLView(
        assembled.schema,
        context_factory=_Contexts(identifier, database, assembled.reading, services),
        allow_origin=Origins(database, directory),
        plans=Plans(assembled.schema, assembled.reading, database) if with_plans else None,
        trusted=Trusted(assembled.schema.documents, lists, own=own_documents()),
        development=settings.environment == "development",
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(engine.dispose)
            stack.push_async_callback(platforms.close)
            # Beside the start, which need not wait for a hash that takes its time by design.
            warming = asyncio.create_task(passwords.warm_up())
            stack.callback(warming.cancel)
            await stack.enter_async_context(bus)
            await stack.enter_async_context(StateLink(settings.states_socket, states))
            await stack.enter_async_context(hub)
            await stack.enter_async_context(denials.running())
            await stack.enter_async_context(use.running())
            stack.push_async_callback(view.live.close_all)
            # For `api.listening.Server`, which ends them before it waits for them.
            yield {"live": view.live}

    health = health_routes(database, settings.home.run_dir())
    notices = notice_routes(database, vault, denials)
    statements = StatementDoor(
        database, links, assembled.reading, identifier, directory, ACTORS
    ).routes()
    files = PaperDoor(database, vault, papers, identifier, directory).routes()
    routes = [*view.routes(), *board_routes(), *notices, *statements, *files, *health]
    return _Application(view, routes=routes, lifespan=lifespan)


def _on_denied(denials: Denials) -> Callable[[Any, str, Any], Any]:
    async def on_denied(context: Context[Any], permission: str, _path: Any) -> None:
        await denials.denied(context.scope, permission)

    return on_denied


def print_schema() -> str:
    """The SDL as committed in `schema/schema.graphql`."""
    return plain().as_str()
