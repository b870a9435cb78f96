"""Whether this process lives (`/health/live`) and can serve (`/health/ready`); its metrics.

The worker listens on no port: it says how it is in files of the run directory, which are read here.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.kernel.errors import DomainError
from tenants.work import Database

HEALTH_FILE = "worker.health"
METRICS_FILE = "worker.prom"
HEALTH_FRESH_SECONDS = 5.0
METRICS_FRESH_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class WorkerHealth:
    """How the worker is. `ok`: its loop turns and the database answered since it last told."""

    ok: bool
    detail: str


def worker_health(run_dir: Path) -> WorkerHealth:
    """What the worker told last; it tells each second, and is not well when it stops."""
    try:
        told: dict[str, Any] = orjson.loads((run_dir / HEALTH_FILE).read_bytes())
        age = time.time() - float(told["at"])
        answered, brands = bool(told["database"]), int(told["brands"])
    except FileNotFoundError:
        return WorkerHealth(False, "tells nothing")
    except (OSError, ValueError, KeyError, TypeError):
        return WorkerHealth(False, "tells what can't be read")
    if age > HEALTH_FRESH_SECONDS:
        return WorkerHealth(False, f"silent for {age:.0f} s")
    if not answered:
        return WorkerHealth(False, "waits for the database")
    return WorkerHealth(True, f"process {told.get('pid')}, follows {brands} brands")


class Metrics:
    """The metrics of this process and, labelled `process="worker"`, those of the worker.

    Each family is told once, as Prometheus wants it. What the worker told long ago is left out.
    """

    def __init__(self, run_dir: Path) -> None:
        self._file = run_dir / METRICS_FILE

    def collect(self) -> Iterable[Metric]:
        """All families, as `generate_latest` asks for them."""
        found = {family.name: family for family in REGISTRY.collect()}
        for family in text_string_to_metric_families(self._told()):
            if family.name.endswith("_created"):
                continue  # told again by the counter of this process, and of no use
            family.samples = [
                sample._replace(labels={**sample.labels, "process": "worker"})
                for sample in family.samples
            ]
            own = found.setdefault(family.name, family)
            if own is not family:
                own.samples = [*own.samples, *family.samples]
        return found.values()

    def _told(self) -> str:
        try:
            fresh = time.time() - self._file.stat().st_mtime <= METRICS_FRESH_SECONDS
            return self._file.read_text() if fresh else ""
        except OSError:
            return ""


def health_routes(database: Database, run_dir: Path) -> list[Route]:
    """Routes for whoever runs the process. They tell nothing about brands.

    `/metrics` has the worker's beside the server's own.
    """

    async def live(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_request: Request) -> Response:
        try:
            await database.ping()
        except DomainError as error:
            return JSONResponse({"status": "unavailable", "code": error.code}, status_code=503)
        return JSONResponse({"status": "ok"})

    metrics = Metrics(run_dir)

    async def tell_metrics(_request: Request) -> Response:
        return Response(generate_latest(metrics), media_type=CONTENT_TYPE_LATEST)

    return [
        Route("/health/live", live),
        Route("/health/ready", ready),
        Route("/metrics", tell_metrics),
    ]
