"""Tokens for every kind of actor, in `demo.json`; made again when missing or nearly expired."""

import json
import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from api.demo.people import SECONDS, second_email, staff_email
from api.demo.story import BRANDS, OPERATOR_ID, STAFF_ROLES, BrandStory, clients_of
from api.settings import Settings
from domain.clients.queries import find_by_email
from domain.ibs.queries import find_introducer
from tenants.access import Access
from tenants.context import NO_BRAND, ActorKind, system_scope
from tenants.founding import find_staff
from tenants.issuing import Grant, is_living, issue_api_token, issue_operator_token
from tenants.sessions import Lifetimes, Whose, issue_session
from tenants.tokens import publishable
from tenants.values import Role
from tenants.work import Database, WriteWork

LIFETIME = timedelta(days=30)
_RENEW_BEFORE = timedelta(days=1)


async def renew_access(
    settings: Settings, database: Database, password: str, lists: Sequence[str]
) -> None:
    """Write `demo.json` with a living token for every actor; `password` is for new people, `lists`
    is what names are screened with."""
    known = _read(settings)
    told: dict[str, Any] = {
        "url": settings.url,
        "graphql": f"{settings.url}/graphql",
        "ws": f"{settings.url.replace('http', 'ws', 1)}/graphql",
        "password": known.get("password", password),
        "operator": await _operator(database, known.get("operator")),
        "sanctions_lists": [*lists],
        "brands": [],
    }
    earlier = {brand["slug"]: brand["tokens"] for brand in known.get("brands", [])}
    for story in BRANDS:
        tokens = await _tokens(database, story, earlier.get(story.plan.slug, {}))
        told["brands"].append(
            {
                "slug": story.plan.slug,
                "host": story.plan.hosts[0],
                "publishable_key": publishable(story.plan.id, story.plan.key_id),
                "tokens": tokens,
            }
        )
    _write(settings, told)


async def _operator(database: Database, known: str | None) -> str:
    async def command(work: WriteWork) -> str:
        if known and await is_living(work, known, _RENEW_BEFORE):
            return known
        return await issue_operator_token(work, OPERATOR_ID, LIFETIME)

    return (await database.write(system_scope(NO_BRAND), command)).value


async def _tokens(database: Database, story: BrandStory, known: dict[str, str]) -> dict[str, str]:
    async def command(work: WriteWork) -> dict[str, str]:
        tokens = {}
        for name, whose in (await holders_of(work, story)).items():
            text = known.get(name)
            if text is None or not await is_living(work, text, _RENEW_BEFORE):
                text = await _issue(work, name, whose)
            tokens[name] = text
        return tokens

    return (await database.write(system_scope(story.plan.id), command)).value


async def _issue(work: WriteWork, name: str, whose: Whose) -> str:
    if name == "ib_api":
        rights = await Access().of_template(Role.IB)
        return (await issue_api_token(work, whose, Grant("demo", rights, LIFETIME))).text
    lifetimes = Lifetimes(access=LIFETIME, refresh=LIFETIME)
    return (await issue_session(work, whose, lifetimes=lifetimes)).access.text


async def holders_of(work: WriteWork, story: BrandStory) -> dict[str, Whose]:
    """Every actor that gets a token, by its name in `demo.json`."""
    holders: dict[str, Whose] = {}
    for role in STAFF_ROLES:
        staff_id = await find_staff(work, staff_email(story, role))
        assert staff_id is not None, "staff were hired"
        holders[role.value] = Whose(ActorKind.STAFF, staff_id)
    for role in SECONDS:
        # A home that was seeded before there was a second one goes without.
        if (second := await find_staff(work, second_email(story, role))) is not None:
            holders[f"{role.value}_2"] = Whose(ActorKind.STAFF, second)
    for name, client in zip(("client", "client_2"), clients_of(story), strict=False):
        row = await find_by_email(work, client.email)
        assert row is not None, "clients were registered"
        holders[name] = Whose(ActorKind.CLIENT, row.id)
    for name, code in (("ib", "north"), ("ib_2", "south"), ("ib_api", "north")):
        found = await find_introducer(work, f"{story.plan.slug}-{code}")
        assert found is not None, "ibs were created"
        holders[name] = Whose(ActorKind.IB, found.id, found.path)
    return holders


def _read(settings: Settings) -> dict[str, Any]:
    try:
        known: dict[str, Any] = json.loads(settings.home.demo_file.read_text())
    except (OSError, ValueError):
        return {}
    return known


def _write(settings: Settings, told: dict[str, Any]) -> None:
    """Replace the file whole, readable by its owner alone from the first byte."""
    path = settings.home.demo_file
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(told, file, indent=2)
        file.write("\n")
    draft.replace(path)
