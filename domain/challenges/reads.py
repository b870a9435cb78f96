"""What the API shows of challenges: programs, orders, phases with their rules, breaches.

A client is held to its own rows here and by row-level security; who may see a client may see its
challenges.
"""

from typing import Any

from sqlalchemy import ColumnElement, Numeric, Text, cast, func, select, type_coerce

from domain.accounts.tables import account_state
from domain.challenges.tables import (
    breach,
    challenge,
    challenge_order,
    challenge_phase,
    program,
    program_version,
)
from domain.reads import Entity, Many, One, Through, columns, extend, own_rows

# By the number alone: a program never keeps its version's id.
_sold = (
    select(program_version.c.id)
    .where(
        program_version.c.brand_id == program.c.brand_id,
        program_version.c.program_id == program.c.id,
        program_version.c.number == program.c.version,
    )
    .correlate(program)
    .scalar_subquery()
)

PROGRAM = Entity(
    name="program",
    table=program,
    fields={
        **columns(program, "code", "name", "status", "version", "created_at"),
        "current_version_id": _sold,
    },
    relations={
        "versions": Many("program_version", theirs="program_id"),
        "current_version": One("program_version", own="current_version_id"),
    },
    filters={"status": program.c.status, "code": program.c.code},
    orders={"NAME": (program.c.name, program.c.code), "CREATED_AT": program.c.created_at},
)

PROGRAM_VERSION = Entity(
    name="program_version",
    table=program_version,
    fields={
        **columns(program_version, "number", "name", "currency", "balance_minor", "price_minor"),
        **columns(program_version, "leverage", "phases", "published_at"),
    },
    relations={"program": One("program", own="program_id")},
    orders={"NUMBER": program_version.c.number},
    default_order="-NUMBER",
)

ORDER = Entity(
    name="challenge_order",
    table=challenge_order,
    fields={
        **columns(challenge_order, "reference", "status", "version", "currency", "net_minor"),
        **columns(challenge_order, "tax_minor", "tax_bps", "tax_label", "country", "reason_code"),
        **columns(challenge_order, "created_at", "updated_at", "paid_at"),
        "total_minor": challenge_order.c.net_minor + challenge_order.c.tax_minor,
    },
    relations={
        "client": One("client", own="client_id"),
        "program_version": One("program_version", own="program_version_id"),
        "payment": One("payment", own="payment_id"),
        "wallet": One("wallet", own="wallet_id"),
        "challenge": One("challenge", own="id", theirs="order_id"),
    },
    filters={
        "status": challenge_order.c.status,
        "client_id": challenge_order.c.client_id,
        "created_at": challenge_order.c.created_at,
        "reference": challenge_order.c.reference,
    },
    orders={"CREATED_AT": challenge_order.c.created_at},
    default_order="-CREATED_AT",
    scopes=(*own_rows(challenge_order), Through("client")),
)

CHALLENGE = Entity(
    name="challenge",
    table=challenge,
    fields={
        **columns(challenge, "reference", "status", "version", "program_number", "phase_count"),
        **columns(challenge, "created_at", "updated_at"),
    },
    relations={
        "client": One("client", own="client_id"),
        "order": One("challenge_order", own="order_id"),
        "program": One("program", own="program_id"),
        "program_version": One("program_version", own="program_version_id"),
        "phases": Many("challenge_phase", theirs="challenge_id"),
        "current": One("challenge_phase", own="current_phase_id"),
        "breach": One("breach", own="id", theirs="challenge_id"),
    },
    filters={
        "status": challenge.c.status,
        "client_id": challenge.c.client_id,
        "program_id": challenge.c.program_id,
        "created_at": challenge.c.created_at,
        "reference": challenge.c.reference,
    },
    orders={"CREATED_AT": challenge.c.created_at},
    default_order="-CREATED_AT",
    scopes=(*own_rows(challenge), Through("client")),
)

# The newest figures of a phase's account, as text: JSON numbers lose digits.
_figures = (
    select(
        func.jsonb_build_object(
            "balance",
            cast(account_state.c.balance_minor, Text),
            "equity",
            cast(account_state.c.equity_minor - account_state.c.credit_minor, Text),
            "as_of",
            account_state.c.as_of,
            "source",
            account_state.c.source,
        )
    )
    .where(
        account_state.c.brand_id == challenge_phase.c.brand_id,
        account_state.c.account_id == challenge_phase.c.account_id,
    )
    .correlate(challenge_phase)
    .scalar_subquery()
)

_equity = (
    select(account_state.c.equity_minor - account_state.c.credit_minor)
    .where(
        account_state.c.brand_id == challenge_phase.c.brand_id,
        account_state.c.account_id == challenge_phase.c.account_id,
    )
    .correlate(challenge_phase)
    .scalar_subquery()
)


def _remembered(name: str) -> ColumnElement[Any]:
    return cast(challenge_phase.c.state[name].astext, Numeric)


# How far equity is above the higher floor, as a share of what the account began with. Floors are
# those of the last verdict: whoever shows a distance counts the newest figures first.
_nearness = (
    func.coalesce(_equity, _remembered("equity_minor"))
    - func.greatest(_remembered("floor_total_minor"), _remembered("floor_daily_minor"))
) / challenge_phase.c.start_minor

PHASE = Entity(
    name="challenge_phase",
    table=challenge_phase,
    fields={
        **columns(challenge_phase, "number", "name", "status", "version", "currency"),
        **columns(challenge_phase, "start_minor", "rules", "state", "server_id", "login"),
        **columns(challenge_phase, "account_id", "reason_code", "closing", "created_at"),
        **columns(challenge_phase, "started_at", "ended_at", "updated_at"),
        "figures": _figures,
    },
    relations={
        "challenge": One("challenge", own="challenge_id"),
        "account": One("account", own="account_id"),
        "breach": One("breach", own="id", theirs="phase_id"),
    },
    filters={"status": challenge_phase.c.status},
    orders={"NUMBER": challenge_phase.c.number, "NEARNESS": type_coerce(_nearness, Numeric)},
    scopes=(*own_rows(challenge_phase), Through("challenge")),
)

BREACH = Entity(
    name="breach",
    table=breach,
    fields={
        **columns(breach, "n", "rule", "zone", "day", "currency", "floor_minor", "equity_minor"),
        **columns(breach, "balance_minor", "anchor_minor", "peak_minor", "at", "seen_at"),
        **columns(breach, "source", "prices", "positions", "second_prices", "suspicion"),
        **columns(breach, "verified_at", "disabled_at", "created_at", "phase_id", "account_id"),
        "program_number": select(challenge.c.program_number)
        .where(challenge.c.brand_id == breach.c.brand_id, challenge.c.id == breach.c.challenge_id)
        .correlate(breach)
        .scalar_subquery(),
        "rules": select(challenge_phase.c.rules)
        .where(
            challenge_phase.c.brand_id == breach.c.brand_id,
            challenge_phase.c.id == breach.c.phase_id,
        )
        .correlate(breach)
        .scalar_subquery(),
    },
    relations={
        "phase": One("challenge_phase", own="phase_id"),
        "account": One("account", own="account_id"),
    },
    orders={"CREATED_AT": breach.c.created_at},
    default_order="-CREATED_AT",
    scopes=(*own_rows(breach), Through("phase")),
)

READS = (
    PROGRAM,
    PROGRAM_VERSION,
    ORDER,
    CHALLENGE,
    PHASE,
    BREACH,
    extend("client", "challenges", Many("challenge", theirs="client_id")),
    extend("account", "challenge_phase", One("challenge_phase", own="id", theirs="account_id")),
)
