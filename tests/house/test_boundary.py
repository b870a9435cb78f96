"""Transactions are begun, committed and bound to a brand in `tenants/work.py` and nowhere else."""

import ast
import re

from tests.house.sources import Source, called, of, report, sources

BOUNDARY = "tenants/work.py"
# The boundary itself, and the connections that nothing else takes.
PARTS = (BOUNDARY, "tenants/ahead.py", "tenants/connection.py", "tenants/held.py")
# Own connections, each with its reason.
CONNECTIONS = {
    "tenants/wake.py": "sends NOTIFY after a commit, outside any transaction",
    "domain/events/hub.py": "the one LISTEN connection of a process",
    "tenants/singleton.py": "holds an advisory lock for as long as its connection lives",
    "tenants/database.py": "the pool's reset hook rolls back what was left open",
    "api/doctor.py": "looks at roles and tables as the owner, reads no brand's rows",
}
# Statements outside the usual files, each with its reason.
STATEMENTS = {
    "domain/clients/standing.py": "what other contexts may ask of a client",
    "domain/clients/reach.py": "which clients a feed may show, a port of the events context",
    "domain/clients/masks.py": "a mask is said in Python and in SQL side by side",
    "domain/accounts/queries.py": "a brand's next number is taken and read in one statement",
}
# Loops that outlive whatever the driver or a broken peer raises.
LOOPS = {
    "tenants/wake.py",
    "domain/events/hub.py",
    "domain/events/queue.py",
    "domain/events/reader.py",
    "domain/events/runner.py",
}
# Rooms that have no brand's data: the installer's own connections, and the world outside.
OUTSIDE = ("api/embedded/", "simulator/", "sandbox/", "tests/", "alembic/", "bench/")
TRANSACTION_CALLS = {"connect", "begin", "begin_nested", "commit", "rollback", "get_raw_connection"}
TRANSACTION_TEXT = re.compile(
    r"^\s*(begin|commit|rollback|start transaction|savepoint|release savepoint)\b", re.I
)
SETTING_TEXT = re.compile(r"\bset_config\s*\(|\bapp\.(brand_id|client_id|ib_path)\b", re.I)
SELECT_CALLS = {"select", "text", "literal_column"}
WRITE_CALLS = {"insert", "update", "delete"}
# Where statements live: what the API shows, what commands need, and the room of transactions.
READS = re.compile(
    r"^(tenants/\w+|domain/reads/\w+|domain/events/\w+|domain/payments/ledger/\w+)\.py$"
    r"|^domain/\w+/(\w+/)?(tables|reads|queries)\.py$"
    r"|^domain/\w+/(reads|queries|tables)/"
)
WRITES = re.compile(
    r"^(tenants/\w+|domain/\w+/(\w+/)?(commands|jobs|consumers)|domain/events/\w+)\.py$"
    r"|^domain/\w+/(\w+/)?(commands|jobs|consumers)/"
)


def test_only_the_boundary_checks_out_begins_and_commits():
    found = [
        source.at(call)
        for source in inside()
        for call in source.calls()
        if isinstance(call.func, ast.Attribute)
        and called(call) in TRANSACTION_CALLS
        and _is_database(call)
    ]
    assert not found, report(found, f"use Database.read or Database.write of {BOUNDARY}")


def test_only_the_boundary_says_begin_commit_and_rollback_in_sql():
    found = [
        source.at(node)
        for source in inside()
        for node in source.strings()
        if TRANSACTION_TEXT.match(str(node.value)) and "\n" not in str(node.value).strip()
        if _is_statement(str(node.value))
    ]
    assert not found, report(found, f"transactions belong to {BOUNDARY}")


def test_only_the_boundary_says_whose_rows_a_transaction_touches():
    allowed = {BOUNDARY, "tenants/isolation.py", "tenants/enclosed.py"}
    found = [
        source.at(node)
        for source in of("api", "schema", "domain", "tenants", "alembic")
        if source.path not in allowed
        for node in source.strings()
        if SETTING_TEXT.search(str(node.value))
    ]
    assert not found, report(found, "the brand is set once, by the work")


def test_selects_live_where_reads_are_declared():
    found = statements(SELECT_CALLS, READS, WRITES)
    assert not found, report(found, "SELECTs belong in reads.py or queries.py of their context")


def test_writes_live_in_commands():
    found = statements(WRITE_CALLS, WRITES)
    assert not found, report(found, "INSERT, UPDATE and DELETE belong in commands/ or jobs.py")


def test_the_counter_and_the_door_hold_no_sql():
    found = [
        source.at(node)
        for source in of("schema", "api")
        if not source.path.startswith("api/embedded/")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom)
        and node.module == "sqlalchemy"
        and {alias.name for alias in node.names} & (SELECT_CALLS | WRITE_CALLS)
    ]
    assert not found, report(found, "schema/ and api/ ask a context, they write no SQL")


def test_exceptions_are_caught_by_name_outside_the_edge():
    """`except Exception` hides bugs; the worker loop and the edge turn them into one answer."""
    found = [
        source.at(node)
        for source in of("domain", "tenants")
        if source.path not in LOOPS
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception"))
    ]
    assert not found, report(found, "name what can go wrong")


def inside() -> list[Source]:
    """Files that must not open a transaction themselves."""
    return [
        one
        for one in sources()
        if one.path not in PARTS
        and one.path not in CONNECTIONS
        and not one.path.startswith(OUTSIDE)
        and one.path.split("/")[0] in ("api", "schema", "domain", "tenants")
    ]


def statements(names: set[str], *allowed: re.Pattern[str]) -> list[str]:
    """Calls of SQLAlchemy's own constructors by name, outside the allowed files."""
    found = []
    for source in of("domain", "tenants", "schema", "api"):
        if any(pattern.match(source.path) for pattern in allowed) or source.path in STATEMENTS:
            continue
        if source.path.startswith("api/embedded/") or source.path in CONNECTIONS:
            continue
        imported = {
            alias.asname or alias.name
            for node in ast.walk(source.tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy")
            for alias in node.names
        }
        found += [
            f"{source.at(call)} {called(call)}("
            for call in source.calls()
            if isinstance(call.func, ast.Name) and called(call) in names & imported
        ]
    return found


def _is_database(call: ast.Call) -> bool:
    """Whether `x.connect()` is a database's: sockets, signals and Starlette connect as well."""
    assert isinstance(call.func, ast.Attribute)
    owner = ast.unparse(call.func.value).lower()
    return any(word in owner for word in ("engine", "connection", "pool", "psycopg", "asyncpg"))


def _is_statement(text: str) -> bool:
    """`begin` alone or with SQL behind it, not an English sentence."""
    return text == text.lower() and not text.rstrip().endswith(".")
