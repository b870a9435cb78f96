"""SQL that runs on one Postgres and on a distributed one alike. Patterns, not a parser."""

import ast
import re

import pytest

from tests.declared import brand_tables
from tests.house.sources import Source, called, of, report

VOLATILE = {"clock_timestamp", "random", "gen_random_uuid", "uuid_generate_v4", "nextval"}
# Sets time-outs for the whole run, on a connection that is not pooled.
MIGRATION_CONNECTION = "alembic/env.py"
INEXACT = {"Float", "REAL", "Double", "DOUBLE_PRECISION"}
TEXT_RULES = {
    "set_config can outlive its transaction unless it is local": r"\bset_config\s*\("
    r"(?!'[a-z_.]+', [^(),]+, true\))",
    "a session setting survives on a pooled connection": r"\bset\s+session\b|^\s*set\s+(?!local\b)"
    r"[a-z_.]+\s*(=|to)\s",
    "MERGE is not distributed": r"\bmerge\s+into\b",
    "now() in ON CONFLICT SET differs by node; use excluded": r"on conflict[^;]*\bset\b"
    r"[^;]*\bnow\(\)",
    "a volatile function in UPDATE differs by node": r"^\s*update\b[^;]*\b(random|clock_timestamp|"
    r"gen_random_uuid|nextval)\(",
    "FOR UPDATE needs the brand": r"\bfor (no key )?update\b(?<!brand_id)(?![\s\S]*brand_id)",
    "functions are not LEAKPROOF": r"\bleakproof\b",
}


@pytest.mark.parametrize("rule", TEXT_RULES)
def test_sql_texts_survive_distribution(rule: str):
    pattern = re.compile(TEXT_RULES[rule], re.I)
    found = [
        source.at(node)
        for source in sql_sources()
        if source.path != MIGRATION_CONNECTION
        for node in source.strings()
        if _is_sql(str(node.value)) and pattern.search(str(node.value))
        if not ("for update" in rule.lower() and "brand_id" in str(node.value))
    ]
    assert not found, report(found, rule)


def test_lists_are_bound_as_one_array():
    """An expanding IN has another text for each length: no cache, no routing. `= any(:ids)`."""
    found = [
        source.at(call)
        for source in sql_sources()
        for call in source.calls()
        if (called(call) in ("in_", "not_in") and not _is_of_select(call)) or _is_expanding(call)
    ]
    assert not found, report(found, "bind an array: column == any_(parameter)")


def test_no_volatile_function_in_update():
    found = [source.at(call) for source, call in chains("update") if functions_in(call) & VOLATILE]
    assert not found, report(found, "compute the value in the work and bind it")


def test_conflicts_are_settled_with_what_was_offered():
    found = [
        source.at(call)
        for source in sql_sources()
        for call in source.calls()
        if called(call) == "on_conflict_do_update"
        and functions_in(call) & (VOLATILE | {"now", "current_timestamp"})
    ]
    assert not found, report(found, "use excluded.<column>")


def test_values_hold_no_sub_select():
    found = [
        source.at(call)
        for source in sql_sources()
        for call in source.calls()
        if called(call) == "values"
        and any(called(one) in ("select", "scalar_subquery") for one in inner_calls(call))
    ]
    assert not found, report(found, "select first, or insert from select")


def test_rows_are_locked_within_their_brand():
    found = [
        source.at(call)
        for source in sql_sources()
        for call in source.calls()
        if called(call) == "with_for_update" and "brand_id" not in _function_of(source, call)
    ]
    assert not found, report(found, "say brand_id = :brand_id where rows are locked")


def test_migrations_send_one_statement_at_a_time():
    """asyncpg, PgBouncer and Citus each break on several; and an error names the statement."""
    found = [
        source.at(call)
        for source in of("alembic")
        for call in source.calls()
        if called(call) == "execute"
        for node in ast.walk(call)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and ";" in _without_bodies(node.value).strip().rstrip(";")
    ]
    assert not found, report(found, "one statement per op.execute")


def test_statements_of_brand_tables_name_the_brand():
    """Row security is the second lock; the predicate uses indexes and routes to one node."""
    names = {table.name for table in brand_tables()}
    found = [
        f"{source.at(call)} {called(call)}({first})"
        for source in of("domain", "tenants")
        for call in source.calls()
        if called(call) in ("update", "delete") and isinstance(call.func, ast.Name) and call.args
        for first in [ast.unparse(call.args[0]).split(".")[-1]]
        if first in names and "brand_id" not in _function_of(source, call)
    ]
    assert not found, report(found, "add .where(table.c.brand_id == work.scope.brand_id)")


def test_money_is_never_a_float():
    """Amounts are integers of minor units, prices and lots are Decimal."""
    found = [
        f"{source.at(node)} {ast.unparse(node)}"
        for source in of("domain")
        if re.search(r"/(rules|values|commands|tables|money|ledger|reads|queries)", source.path)
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Name) and node.id == "float")
        or (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (
            isinstance(node, ast.Name)
            and node.id in ("Float", "REAL", "Double", "DOUBLE_PRECISION")
        )
    ]
    assert not found, report(found, "use int minor units or Decimal")


def sql_sources() -> list[Source]:
    return of("domain", "tenants", "alembic")


def chains(name: str) -> list[tuple[Source, ast.Call]]:
    """Outermost method chains that begin with a call of `name`: `update(t).where(…).values(…)`."""
    found = []
    for source in sql_sources():
        inside: set[int] = set()
        for call in source.calls():
            if id(call) in inside:
                continue
            link: ast.expr = call
            while isinstance(link, ast.Call) and isinstance(link.func, ast.Attribute):
                link = link.func.value
                inside.add(id(link))
            if isinstance(link, ast.Call) and called(link) == name:
                found.append((source, call))
    return found


def inner_calls(call: ast.Call) -> list[ast.Call]:
    parts = [*call.args, *(keyword.value for keyword in call.keywords)]
    return [node for part in parts for node in ast.walk(part) if isinstance(node, ast.Call)]


def functions_in(call: ast.Call) -> set[str]:
    """SQL functions used anywhere in a call: `func.now()`."""
    return {
        node.func.attr
        for node in ast.walk(call)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "func"
    }


def _function_of(source: Source, node: ast.AST) -> str:
    """The source of the innermost function around a node, and of its own helpers in the file."""
    line = getattr(node, "lineno", 1)
    around = [
        one
        for one in ast.walk(source.tree)
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))
        and one.lineno <= line <= (one.end_lineno or one.lineno)
    ]
    if not around:
        return source.text
    innermost = max(around, key=lambda one: one.lineno)
    named = {called(one) for one in ast.walk(innermost) if isinstance(one, ast.Call)}
    parts = [innermost, *(one for one in source.tree.body if getattr(one, "name", "") in named)]
    return "\n".join(ast.get_source_segment(source.text, one) or "" for one in parts)


def _is_of_select(call: ast.Call) -> bool:
    return any(called(one) == "select" for one in inner_calls(call))


def _is_expanding(call: ast.Call) -> bool:
    return called(call) == "bindparam" and any(k.arg == "expanding" for k in call.keywords)


def _is_sql(text: str) -> bool:
    return bool(re.search(r"\b(select|insert|update|delete|set|merge|create|alter)\b", text, re.I))


def _without_bodies(text: str) -> str:
    return re.sub(r"\$\$.*?\$\$|'[^']*'", "''", text, flags=re.S)
