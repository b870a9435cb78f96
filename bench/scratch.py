"""A throw-away database for a bench: durable as in production, deleted at the end."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from api.embedded import Cluster, Endpoints
from api.embedded.migrate import migrate
from domain.kernel.ids import new_uuid


@contextmanager
def database(prefix: str) -> Iterator[Endpoints]:
    """A migrated database on a cluster of its own, with fsync on."""
    with installation(prefix) as running:
        yield running.endpoints


@contextmanager
def installation(prefix: str) -> Iterator[Cluster]:
    """The same, as the cluster of a home that `backdesk serve` can be started in."""
    with tempfile.TemporaryDirectory(prefix="backdesk-bench-") as folder:
        running = Cluster.at(Path(folder) / "home", prefix=prefix, durable=True)
        try:
            migrate(running.ensure_started(tied=True))
            yield running
        finally:
            running.destroy()


def superuser(endpoints: Endpoints) -> psycopg.Connection[Any]:
    """Sees and may do everything: to fill tables and to judge what lies in them."""
    return psycopg.connect(endpoints.url("superuser"), autocommit=True)


def make_brand(endpoints: Endpoints) -> UUID:
    """The rows a brand's works need: its state and its head."""
    brand_id = new_uuid()
    with superuser(endpoints) as connection:
        connection.execute("insert into brand_state values (%s, 1, 0)", [brand_id])
        connection.execute("insert into brand_head values (%s, 0, 0)", [brand_id])
    return brand_id
