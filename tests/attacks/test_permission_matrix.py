"""Every root field as every actor of two brands: what the SDL says is what happens.

A refusal leaves nothing behind but its one line in the audit trail: every row of every table is
compared before and after. A mutation that is allowed in brand B never touches brand A.
"""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from tests.attacks.actors import Asker, askers
from tests.attacks.calls import Answer, Api
from tests.attacks.contract import Values, arguments, example, rights_of_root, roots, selection
from tests.attacks.ledger import Books, changes
from tests.attacks.sockets import joined
from tests.factories import Factory
from tests.world import World

# Where nothing is needed nobody can be refused, and a few stand for all.
A_FEW = ("anonymous", "key", "brand_admin", "client", "ib_api", "operator")
DENIED = {"FORBIDDEN", "UNAUTHENTICATED"}
# A refusal is waited for however busy the machine; a feed that is let in may have nothing to say.
REFUSAL_S, QUIET_S = 30.0, 0.5
# An example names no object that is there: whoever is let in may hear so.
UNMEANT = {"BAD_USER_INPUT"}
Worlds = tuple[World, World]


@pytest.mark.parametrize("name", roots("query"))
async def test_query(name: str, api: Api, worlds: Worlds, make: Factory, own_values, books: Books):
    document = query_document("query", name, own_values)
    await check(api, "query", name, document, {}, worlds=worlds, make=make, books=books)


@pytest.mark.parametrize("name", roots("mutation"))
async def test_mutation(
    name: str, api: Api, worlds: Worlds, make: Factory, own_values, books: Books
):
    values = own_values
    if name == "ibSuspend":  # somebody else than who asks in what follows
        other = make.ib(worlds[0].brand)
        values = replace(own_values, ids={**own_values.ids, "ib": f"ib_{other.id.hex}"})
    document, variables = mutation_document(name, values)
    await check(api, "mutation", name, document, variables, worlds=worlds, make=make, books=books)


@pytest.mark.parametrize("name", roots("subscription"))
async def test_subscription(
    name: str, api: Api, worlds: Worlds, make: Factory, own_values, books: Books
):
    """Over a socket each: whoever lacks a right hears one error and nothing else."""
    document = query_document("subscription", name, own_values)
    rights = rights_of_root("subscription", name)
    of_both = [list(askers(make, world).values()) for world in worlds]
    before = books.read()
    for everybody in of_both:
        due = [refused_with(asker, rights) for asker in everybody]
        heard = await asyncio.gather(
            *(
                first_codes(api, asker, document, REFUSAL_S if codes else QUIET_S)
                for asker, codes in zip(everybody, due, strict=True)
            )
        )
        wrong = {
            asker.name: codes
            for asker, codes, expected in zip(everybody, heard, due, strict=True)
            if codes - UNMEANT != expected
        }
        assert not wrong, (name, sorted(rights))
    written = {table for tables in books.changed(before).values() for table in tables}
    assert written <= {"audit", "brand_head"}


def refused_with(asker: Asker, rights: frozenset[str]) -> set[str]:
    """The codes a subscription must be refused with; none when it is allowed."""
    if rights <= asker.rights:
        return set()
    return {"UNAUTHENTICATED" if asker.is_anonymous else "FORBIDDEN"}


async def first_codes(api: Api, asker: Asker, document: str, seconds: float) -> set[str]:
    """The error codes of what a socket hears first, if it hears anything in that time."""
    async with joined(api, asker) as socket:
        await socket.subscribe("1", document)
        try:
            first = await socket.receive(seconds)
        except TimeoutError:
            return set()
    payload = first.get("payload") or {}
    errors = payload if isinstance(payload, list) else payload.get("errors") or []
    return {str(error["extensions"]["code"]) for error in errors}


async def check(
    api: Api,
    kind: str,
    name: str,
    document: str,
    variables: dict[str, object],
    *,
    worlds: Worlds,
    make: Factory,
    books: Books,
) -> None:
    """Ask as everybody of both brands with ids of the first."""
    rights = rights_of_root(kind, name)
    wrong: list[str] = []
    for world in worlds:
        everybody = known(make, world, name)
        after = books.read()
        for asker in everybody:
            before, trail = after, books.denials(world.brand.id)
            answer = await api.ask(asker, document, variables)
            after = books.read()
            changed = changes(before, after)
            told = judge(asker, rights, answer)
            if told:
                wrong.append(f"{asker.name}: {told}")
                continue
            if rights <= asker.rights:
                if world is not worlds[0] and worlds[0].brand.id in changed:
                    wrong.append(f"{asker.name} of another brand changed {changed}")
                continue
            expected = first_knocks(asker, world, rights)
            if books.denials(world.brand.id) - trail != expected:
                wrong.append(f"{asker.name}: {expected} denial expected in the audit trail")
            if others := changed_beyond_trail(changed, world):
                wrong.append(f"{asker.name}: denied, and yet changed {others}")
    assert not wrong, "\n  ".join([f"{name} needs {sorted(rights)}", *wrong])


def known(make: Factory, world: World, field: str) -> list[Asker]:
    """Everybody of a brand; with new tokens where a field may end the ones it is asked with."""
    if not rights_of_root("query" if field in roots("query") else "mutation", field):
        return list(askers(make, world, *A_FEW).values())
    if field.startswith(("session", "apiToken")):
        return list(askers(make, world).values())
    if world.brand.id not in _KNOWN:
        _KNOWN[world.brand.id] = list(askers(make, world).values())
    return _KNOWN[world.brand.id]


_KNOWN: dict[UUID, list[Asker]] = {}


def first_knocks(asker: Asker, world: World, rights: frozenset[str]) -> int:
    """How many rows a refusal must leave: one for each right that this actor had not knocked for
    within the minute, none for whoever belongs to no brand."""
    if asker.name == "anonymous":
        return 0
    # Those without a session of somebody are new actors each time.
    who = asker.token.id if asker.name in ("operator", "service", "ib_api") and asker.token else ""
    doors = {(world.brand.id, asker.name, who, right) for right in rights - asker.rights}
    first = doors - _KNOCKED
    _KNOCKED.update(doors)
    return len(first)


_KNOCKED: set[tuple[object, ...]] = set()


def judge(asker: Asker, rights: frozenset[str], answer: Answer) -> str:
    """What is wrong with an answer; empty when it is as declared."""
    if answer.status >= 500 or "INTERNAL" in answer.codes:
        return f"the server broke: {answer}"
    if rights <= asker.rights:
        # Whoever names no brand may not do much, whatever the permission.
        refused = answer.codes & DENIED and asker.name != "anonymous"
        return f"allowed, and yet refused: {answer}" if refused else ""
    wanted = "UNAUTHENTICATED" if asker.is_anonymous else "FORBIDDEN"
    if answer.codes != {wanted}:
        return f"{wanted} expected: {answer}"
    if answer.json.get("data"):
        return f"refused, and yet told: {answer}"
    return ""


def changed_beyond_trail(changed: dict[object, set[str]], world: World) -> dict[object, set[str]]:
    """Changed tables that a refusal must not touch: all but the trail and its counter."""
    trail = {"audit", "brand_head"}
    return {
        brand: tables - (trail if brand == world.brand.id else set())
        for brand, tables in changed.items()
        if tables - (trail if brand == world.brand.id else set())
    }


def query_document(kind: str, name: str, values: Values) -> str:
    """A root field with nothing but the name of its type selected."""
    found = roots(kind)[name]
    inner = selection(found.type, values, frozenset(), 0)
    given = arguments(found, values, "Query")
    return f"{kind} {{ {name}{given} {'{ __typename }' if inner else ''} }}"


def mutation_document(name: str, values: Values) -> tuple[str, dict[str, object]]:
    """A mutation with a whole input of the right shape."""
    kind = roots("mutation")[name].args["input"].type
    document = (
        f"mutation($input: {kind}) {{ {name}(input: $input)"
        " { __typename errors { message path ... on UserError { __typename } } } }"
    )
    return document, {"input": example(kind, values, owner=name)}
