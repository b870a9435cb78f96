"""One Postgres for a whole test run: started once, migrated once, cloned per process.

The process that owns the run (the controller under xdist, else the only one) starts a throw-away
cluster with the roles of production, migrates one template database by the code of
`backdesk migrate`, and takes everything away at the end. The server is tied to that process, so
that even a killed run leaves none behind. Workers only clone the template.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from api.embedded import Cluster, Endpoints
from api.embedded.migrate import migrate
from api.embedded.roles import database_grants

# Not the default, so that a role name written out anywhere fails here.
PREFIX = "testdesk"
TEMPLATE = "backdesk"
_HANDED_DOWN = "BACKDESK_TEST_ENDPOINTS"


@contextmanager
def cluster() -> Iterator[Endpoints]:
    """A migrated template on a fresh cluster; stopped and deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="backdesk-test-") as folder:
        running = Cluster.at(Path(folder) / "home", prefix=PREFIX, durable=False)
        try:
            endpoints = running.ensure_started(tied=True)
            migrate(endpoints)
            yield endpoints
        finally:
            running.destroy()


def hand_down(endpoints: Endpoints) -> None:
    """Tell the processes that this one will start where the cluster is."""
    os.environ[_HANDED_DOWN] = json.dumps(asdict(endpoints))


def handed_down() -> Endpoints | None:
    """The cluster of the process that started this one."""
    told = os.environ.get(_HANDED_DOWN)
    return Endpoints(**json.loads(told)) if told else None


def clone(endpoints: Endpoints, name: str) -> Endpoints:
    """A new database like the template, with its rows, grants and owner."""
    made = endpoints.within(name)
    with superuser(endpoints, database="postgres") as connection:
        connection.execute(
            sql.SQL("create database {} template {} owner {}").format(
                sql.Identifier(name),
                sql.Identifier(TEMPLATE),
                sql.Identifier(endpoints.name("owner")),
            )
        )
        for statement in database_grants(made):
            connection.execute(statement)
    return made


def drop(endpoints: Endpoints) -> None:
    """Delete a cloned database, whoever is still connected to it."""
    assert endpoints.database != TEMPLATE
    with superuser(endpoints, database="postgres") as connection:
        statement = sql.SQL("drop database if exists {} with (force)")
        connection.execute(statement.format(sql.Identifier(endpoints.database)))


def superuser(endpoints: Endpoints, *, database: str | None = None) -> psycopg.Connection[Any]:
    """A connection past every row policy: for counting what others must not have written."""
    return psycopg.connect(endpoints.url("superuser", database=database), autocommit=True)
