"""Opening the database for a console command: the one of `DATABASE_URL`, or the home's own.

A process that serves only looks whether there is one: the driver of the set-up (psycopg, 8 MB) is
imported where something is set up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from api.embedded.endpoints import Endpoints
from api.embedded.problems import SetupError
from api.settings import Settings


def open_external(settings: Settings, console: Console) -> Endpoints:
    """The endpoints of `DATABASE_URL` with its roles made; prints the SQL when we may not."""
    from api.embedded import external

    urls = settings.endpoints()
    try:
        external.prepare(urls)
    except external.RolesMissing as error:
        for statement in error.statements:
            console.print(statement, soft_wrap=True, markup=False, highlight=False)
        raise
    return urls


@contextmanager
def opened(settings: Settings, console: Console) -> Iterator[Endpoints]:
    """A database for the length of a command.

    The home's cluster is used when it runs; otherwise it is started under the home's lock and
    stopped at the end.
    """
    cluster = settings.cluster
    if cluster is None:
        yield open_external(settings, console)
    elif cluster.is_running():
        yield cluster.ensure_started()
    else:
        with settings.home.locked():
            try:
                yield cluster.ensure_started(tied=True)
            finally:
                cluster.stop()


def running(settings: Settings) -> Endpoints:
    """The endpoints for a process that serves; refuses when the home's cluster does not run."""
    if settings.cluster is not None and not settings.cluster.is_running():
        raise SetupError(
            f"the database of {settings.home.path} does not run", "start it with: backdesk run"
        )
    return settings.endpoints()
