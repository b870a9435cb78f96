"""`backdesk doctor`: what is well on this machine, what is not, and the fix."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module

import psycopg
from sqlalchemy import Table

from api import serving
from api.embedded import binaries
from api.embedded.endpoints import SERVING_ROLES, Endpoints
from api.embedded.external import connect_as_owner
from api.embedded.migrate import standing
from api.embedded.problems import SetupError
from api.embedded.roles import find_role
from api.settings import ROOT, SANDBOX_HOST, Settings
from tenants.database import metadata

LEAST_FREE_BYTES = 500 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: `ok` is None when it could not be asked (the database does not run)."""

    check: str
    ok: bool | None
    detail: str
    fix: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """All checks, one after the other; none starts or changes anything but the home folder."""
    yield _python()
    yield _try("home", lambda: _home(settings))
    yield _try("disk", lambda: _disk(settings))
    yield _try("prices", lambda: _prices(settings))
    if settings.database_url is None:
        yield _try("binaries", _binaries)
    running = settings.home.is_locked()
    yield _try("port", lambda: _port(settings, "port", settings.host, running=running))
    if settings.environment == "development":
        yield _try(
            "sandbox port",
            lambda: _port(settings, "sandbox_port", SANDBOX_HOST, running=running),
        )
    if settings.cluster is not None and not settings.cluster.is_running():
        for check in ("database", "roles", "row security", "migrations"):
            yield Finding(check, None, "not running", "start it with: backdesk run")
        return
    urls = settings.endpoints()
    yield _try("database", lambda: _database(urls))
    yield _try("roles", lambda: _roles(urls))
    yield _try("row security", lambda: _row_security(urls))
    yield _try("migrations", lambda: _migrations(urls))
    yield _try("jobs", lambda: _jobs(urls))
    if running:
        yield _try("worker", lambda: _worker(settings))


def _try(check: str, ask: Callable[[], Finding]) -> Finding:
    try:
        return ask()
    except SetupError as error:
        return Finding(check, False, error.problem, error.fix)
    except psycopg.Error as error:
        return Finding(check, False, str(error).strip().splitlines()[0], "see the database's log")


def _python() -> Finding:
    enough = sys.version_info >= (3, 11)
    return Finding("python", enough, platform.python_version(), "install Python 3.11 or newer")


def _home(settings: Settings) -> Finding:
    home = settings.home.create()
    home.secrets()
    home.run_dir()
    return Finding("home", True, str(home.path))


def _disk(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.home.path).free
    detail = f"{free // 2**20} MB free"
    return Finding("disk", free >= LEAST_FREE_BYTES, detail, "free some space")


def _prices(settings: Settings) -> Finding:
    folder = settings.prices
    if folder is None:
        return Finding("prices", True, "seeded generator")
    found = len(list(folder.glob("*.csv*"))) if folder.is_dir() else 0
    fix = "set BACKDESK_PRICES to a folder of recorded prices, or unset it"
    return Finding("prices", found > 0, f"{found} files in {folder}", fix)


def _binaries() -> Finding:
    chosen = binaries.choose()
    return Finding("binaries", True, f"PostgreSQL {chosen.version} ({chosen.source}) {chosen.bin}")


def _port(settings: Settings, setting: str, host: str, *, running: bool) -> Finding:
    check, port = setting.replace("_", " "), getattr(settings, setting)
    try:
        serving.require_port(host, port, name=setting.upper())
    except SetupError as error:
        if running and settings.home.facts().get(setting) == port:
            return Finding(check, True, f"{port}, served by backdesk")
        return Finding(check, False, error.problem, error.fix)
    return Finding(check, True, f"{port} is free")


def _database(urls: Endpoints) -> Finding:
    with connect_as_owner(urls) as connection:
        row = connection.execute("show server_version").fetchone()
        assert row is not None
        enough = connection.info.server_version >= binaries.OLDEST_MAJOR * 10_000
    return Finding("database", enough, f"PostgreSQL {row[0]}", "use PostgreSQL 15 or newer")


def _roles(urls: Endpoints) -> Finding:
    wrong: list[str] = []
    with connect_as_owner(urls) as connection:
        for role in SERVING_ROLES:
            name = urls.name(role)
            state = find_role(connection, name)
            if state is None:
                wrong.append(f"{name} is missing")
            elif state.barred or not state.can_login:
                wrong.append(f"{name} has {', '.join(state.barred) or 'no login'}")
            elif connection.execute(_OWNS, [name]).fetchone():
                wrong.append(f"{name} owns tables")
            else:
                psycopg.connect(urls.url(role), connect_timeout=10).close()
    good = f"{len(SERVING_ROLES)} serving roles, none owns or bypasses"
    return Finding("roles", not wrong, "; ".join(wrong) or good, "backdesk migrate")


_OWNS = """
select 1 from pg_class c join pg_roles r on r.oid = c.relowner
where r.rolname = %s and c.relkind in ('r', 'p') limit 1
"""
_FORCED = """
select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relrowsecurity and c.relforcerowsecurity
"""


def _row_security(urls: Endpoints) -> Finding:
    wanted = {table.name for table in _tables() if table.info["place"] == "brand"}
    with connect_as_owner(urls) as connection:
        forced = {name for (name,) in connection.execute(_FORCED)}
    detail = f"forced on {len(wanted)} tables"
    if open_tables := sorted(wanted - forced):
        detail = f"not forced on {', '.join(open_tables)}"
    return Finding("row security", not open_tables, detail, "restore the table's policies")


def _jobs(urls: Endpoints) -> Finding:
    """Jobs are set aside after their tenth attempt, and nobody takes them up by himself."""
    with connect_as_owner(urls) as connection:
        row = connection.execute("select to_regclass('jobs.procrastinate_jobs')").fetchone()
        if row is None or row[0] is None:
            return Finding("jobs", None, "no queue yet", "backdesk migrate")
        failed = connection.execute(_FAILED).fetchall()
    detail = "; ".join(f"{count} × {name} failed for good" for name, count in failed)
    return Finding("jobs", not failed, detail or "none failed for good", "see worker.log")


_FAILED = """
select task_name, count(*) from jobs.procrastinate_jobs where status = 'failed'
group by task_name order by task_name
"""


def _worker(settings: Settings) -> Finding:
    # Not at the top: it brings Starlette with it, which no other check needs.
    from api.health import worker_health

    health = worker_health(settings.home.run_dir())
    return Finding("worker", health.ok, health.detail, "see worker.log in the home's folder log")


def _tables() -> Iterable[Table]:
    """Every table of the program; contexts that come later are found by their file name."""
    for file in sorted((ROOT / "domain").glob("*/tables.py")):
        import_module(f"domain.{file.parent.name}.tables")
    import_module("tenants.tables")
    return metadata.tables.values()


def _migrations(urls: Endpoints) -> Finding:
    stands, wanted = standing(urls)
    detail = ", ".join(sorted(stands)) or "none"
    return Finding("migrations", stands == wanted, detail, "backdesk migrate")
