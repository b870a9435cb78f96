"""What Postgres itself enforces between brands, read back from its catalogue.

The rules and the attempts behind them: docs/decisions and the tests in `tests/attacks`.
"""

from collections import defaultdict
from typing import Any

import psycopg
import pytest
from psycopg.rows import namedtuple_row
from sqlalchemy import MetaData

from api.embedded import Endpoints
from tests.declared import brand_tables

OURS = "('public', 'simulator', 'sandbox', 'jobs')"
BRAND = "((brand_id)::text = current_setting('app.brand_id'::text, true))"
CLIENT = "current_setting('app.client_id'::text, true)"
IB = "current_setting('app.ib_path'::text, true)"
NO_CLIENT = f"(COALESCE({CLIENT}, ''::text) = ''::text)"
NO_IB = f"(COALESCE({IB}, ''::text) = ''::text)"
# Policies beyond the rule, each with its reason.
EXTRA = {
    # The worker learns which brands have news; a head row holds two counters and nothing else.
    "brand_head": {("heads", "PERMISSIVE", "SELECT", "worker", "true", None)},
    # Read by `search_leads` alone, which holds itself to the brand: its index of trigrams serves
    # no condition under row security.
    "lead_search": {("definers", "PERMISSIVE", "SELECT", "owner", "true", None)},
}
FORBIDDEN_RIGHTS = {"TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"}
SERVING = ("app", "worker", "platform", "simulator", "sandbox")

# What may be added beyond what may be read, each with its reason.
ADDED = {
    # A client's command tells the house what it did; the client reads no such event.
    ("event", "own_client"): (
        f"({NO_CLIENT} OR (client_id IS NULL) OR ((client_id)::text = {CLIENT}))"
    )
}


@pytest.fixture(scope="module")
def ask(superuser: psycopg.Connection[Any]) -> Any:
    """Runs a query on the catalogue; rows as named tuples."""

    def asked(query: str, *parameters: Any) -> list[Any]:
        with superuser.cursor(row_factory=namedtuple_row) as cursor:
            return cursor.execute(query, parameters or None).fetchall()

    return asked


def restrictions(info: dict[str, Any]) -> set[tuple[str, ...]]:
    """The restrictive policies a table must have, from whom it is visible to."""
    own_client = f"({NO_CLIENT} OR (({info['client_column']})::text = {CLIENT}))"
    own_ib = f"({NO_IB} OR starts_with({info['ib_column']}, {IB}))"
    return {
        "brand": set(),
        "client": {("own_client", "ALL", own_client), ("own_ib", "ALL", own_ib)},
        "own": {("own_client", "ALL", own_client), ("no_ib", "ALL", NO_IB)},
        "ib": {("own_client", "ALL", NO_CLIENT), ("own_ib", "ALL", own_ib)},
        "staff": {("no_client", "ALL", NO_CLIENT), ("no_ib", "ALL", NO_IB)},
        "log": {("no_client", "SELECT", NO_CLIENT), ("no_ib", "SELECT", NO_IB)},
    }[info["visible_to"]]


def unjudged(condition: str) -> str:
    """A condition in the form that leaves the planner's estimates alone; decision 0012."""
    return f"(NULLIF({condition}, false) IS NOT NULL)"


def test_row_security_is_enabled_and_forced(ask, metadata: MetaData):
    rows = ask(
        "select relname from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind in ('r', 'p') and relrowsecurity and relforcerowsecurity"
    )
    assert {row.relname for row in rows} == {table.name for table in brand_tables()}


def test_policies_are_exactly_the_declared_ones(ask, metadata: MetaData, endpoints: Endpoints):
    """One permissive policy for everybody, and restrictions for `app` only, so that the definer
    of a function keeps just the brand."""
    prefix = f"{endpoints.prefix}_"
    found: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
    for row in ask("select * from pg_policies where schemaname = 'public'"):
        (to,) = row.roles if isinstance(row.roles, list) else row.roles.strip("{}").split(",")
        found[row.tablename].add(
            (row.policyname, row.permissive, row.cmd, to.removeprefix(prefix), row.qual,
             row.with_check)
        )  # fmt: skip
    for table in brand_tables():
        expected = {("brand", "PERMISSIVE", "ALL", "public", unjudged(BRAND), BRAND)}
        expected |= {
            (name, "RESTRICTIVE", command, "app", unjudged(condition),
             ADDED.get((table.name, name)))
            for name, command, condition in restrictions(table.info)
        }  # fmt: skip
        expected |= EXTRA.get(table.name, set())
        assert found.pop(table.name) == expected, table.name
    assert not found, "policies on tables that are not a brand's"


def test_every_key_of_a_brand_table_begins_with_the_brand(ask, metadata: MetaData):
    """A global key would tell that another brand has the same e-mail, login or id."""
    names = [table.name for table in brand_tables()]
    rows = ask(
        "select x.indexrelid::regclass::text as name, a.attname as first"
        " from pg_index x join pg_class c on c.oid = x.indrelid"
        " left join pg_attribute a on a.attrelid = c.oid and a.attnum = x.indkey[0]"
        " where c.relnamespace = 'public'::regnamespace and c.relname = any(%s)",
        names,
    )
    assert len(rows) > len(names)
    assert [row.name for row in rows if row.first != "brand_id"] == []


def test_references_between_brand_tables_carry_the_brand(ask, metadata: MetaData):
    """Referential checks skip row security: a bare id would accept another brand's row."""
    names = {table.name for table in brand_tables()}
    rows = ask(
        "select c.conname, c.confdeltype, c.confupdtype, r.relname as target,"
        " (select attname from pg_attribute where attrelid = conrelid and attnum = conkey[1])"
        "   as first, (select attname from pg_attribute"
        "   where attrelid = confrelid and attnum = confkey[1]) as target_first"
        " from pg_constraint c join pg_class t on t.oid = conrelid"
        " join pg_class r on r.oid = confrelid"
        " where c.contype = 'f' and t.relname = any(%s)",
        list(names),
    )
    assert rows
    for row in rows:
        if row.target in names:
            assert (row.first, row.target_first) == ("brand_id", "brand_id"), row.conname


def test_no_reference_empties_a_column(ask):
    """SET NULL would null the brand of a composite key; CASCADE or RESTRICT only."""
    rows = ask(
        "select conname from pg_constraint where contype = 'f' and connamespace <> 'jobs'"
        "::regnamespace and (confdeltype in ('n', 'd') or confupdtype in ('n', 'd'))"
    )
    assert rows == []


def test_serving_roles_are_nobody_special(ask, endpoints: Endpoints):
    for role in (*SERVING, "owner"):
        (row,) = ask("select * from pg_roles where rolname = %s", endpoints.name(role))
        special = (row.rolsuper, row.rolbypassrls, row.rolcreaterole, row.rolcreatedb)
        assert not any(special), role
        assert not row.rolreplication
    members = ask(
        "select m.rolname from pg_auth_members a join pg_roles m on m.oid = a.member"
        " where m.rolname = any(%s)",
        [endpoints.name(role) for role in SERVING],
    )
    assert members == [], "a serving role must not become another"


def test_serving_roles_own_and_create_nothing(ask, endpoints: Endpoints):
    names = [endpoints.name(role) for role in SERVING]
    assert ask(
        "select relname from pg_class join pg_roles r on r.oid = relowner where rolname = any(%s)",
        names,
    ) == []  # fmt: skip
    for name in names:
        for schema in ("public", "simulator", "sandbox", "jobs"):
            (row,) = ask("select has_schema_privilege(%s, %s, 'create') as may", name, schema)
            assert not row.may, (name, schema)
        (row,) = ask("select has_database_privilege(%s, current_database(), 'create') as may", name)
        assert not row.may, name


def test_rights_on_tables_are_exactly_the_declared_ones(ask, metadata: MetaData, endpoints):
    """TRUNCATE ignores row security; REFERENCES is an oracle; TRIGGER runs code as others."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in ask(
        "select grantee, table_name, privilege_type from information_schema.table_privileges"
        " where table_schema = 'public' and table_name <> 'alembic_version'"
    ):
        found[row.grantee, row.table_name].add(row.privilege_type)
    for table in metadata.tables.values():
        found.pop((endpoints.name("owner"), table.name), None)
        for role in ("app", "worker"):
            declared = {right.strip().upper() for right in table.info["grants"][role].split(",")}
            assert declared.isdisjoint(FORBIDDEN_RIGHTS)
            granted = found.pop((endpoints.name(role), table.name), set())
            assert granted == declared - {""}, (role, table.name)
    assert not found, "rights that no table declares"


def test_columns_have_no_rights_of_their_own(ask):
    assert ask("select 1 from pg_attribute where attacl is not null and attrelid > 16383") == []


def test_other_rooms_of_the_database_are_closed(ask, endpoints: Endpoints):
    """The simulator stands outside; the app neither reads the queue nor the simulator's books."""
    open_to = {
        role: {
            schema
            for schema in ("public", "simulator", "sandbox", "jobs")
            if ask("select has_schema_privilege(%s, %s, 'usage') as may",
                   endpoints.name(role), schema)[0].may
            and ask("select 1 from information_schema.table_privileges where grantee = %s"
                    " and table_schema = %s", endpoints.name(role), schema)
        }
        for role in SERVING
    }  # fmt: skip
    assert open_to["app"] == {"public"}
    assert open_to["worker"] == {"public", "jobs"}
    assert open_to["simulator"] == {"simulator"}
    assert open_to["sandbox"] == {"sandbox"}


def test_views_ask_as_their_reader(ask):
    """A view of its owner's would show what the owner may see."""
    rows = ask(
        "select relname from pg_class where relkind in ('v', 'm')"
        f" and relnamespace::regnamespace::text in {OURS}"
        " and (relkind = 'm' or not coalesce(reloptions, '{}') @> '{security_invoker=true}')"
    )
    assert rows == []


def test_definer_functions_are_harmless(ask):
    """Owned by nobody special, with a fixed search_path, and not for the public to call."""
    rows = ask(
        "select p.oid::regprocedure::text as name, r.rolsuper, p.proconfig,"
        " has_function_privilege('public', p.oid, 'execute') as open"
        " from pg_proc p join pg_roles r on r.oid = p.proowner"
        " where p.prosecdef and p.pronamespace::regnamespace::text not in"
        " ('pg_catalog', 'information_schema')"
    )
    assert rows, "jobs.defer is one"
    for row in rows:
        assert not row.rolsuper, row.name
        assert not row.open, row.name
        assert any(one.startswith("search_path=") for one in row.proconfig or ()), row.name


def test_functions_survive_distribution(ask):
    """SQL-language functions are inlined and lose their routing; LEAKPROOF skips row security."""
    rows = ask(
        "select p.oid::regprocedure::text as name from pg_proc p"
        " join pg_language l on l.oid = p.prolang"
        " where p.pronamespace = 'public'::regnamespace and (l.lanname = 'sql' or p.proleakproof)"
    )
    assert rows == []


def test_policies_hold_no_sub_select(ask):
    rows = ask(
        "select policyname from pg_policies"
        " where concat(qual, with_check) ~* '\\mselect\\M' and schemaname = 'public'"
    )
    assert rows == []


def test_no_counter_is_shared_by_brands(ask):
    """A sequence's numbers tell one brand how much another does; numbers come per brand."""
    assert ask(
        "select relname from pg_class where relkind = 'S'"
        " and relnamespace::regnamespace::text in ('public', 'simulator', 'sandbox')"
    ) == []  # fmt: skip


def test_money_and_prices_are_exact(ask):
    rows = ask(
        "select c.relname, a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid"
        " where c.relnamespace::regnamespace::text in ('public', 'simulator', 'sandbox')"
        " and a.attnum > 0"
        " and a.atttypid in ('float4'::regtype, 'float8'::regtype, 'money'::regtype)"
    )
    assert rows == []


def test_states_are_text_not_enums(ask):
    """Equality on an enum is no index condition under row security."""
    query = "select typname from pg_type where typtype = 'e' and typnamespace = %s::regnamespace"
    assert ask(query, "public") == []
