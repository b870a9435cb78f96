"""What the worker tells in its files reaches whoever asks: the doctor, and Prometheus."""

import os
import time

import httpx
import orjson
import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette

from api.health import HEALTH_FILE, METRICS_FILE, health_routes, worker_health

TOLD = {"pid": 7, "database": True, "brands": 3, "peers": 1}


def test_the_worker_is_well_while_it_tells_so(tmp_path):
    def told(**more):
        (tmp_path / HEALTH_FILE).write_bytes(orjson.dumps({**TOLD, "at": time.time(), **more}))
        return worker_health(tmp_path)

    assert not worker_health(tmp_path).ok
    assert told().ok
    assert told().detail == "process 7, follows 3 brands"
    assert told(database=False).detail == "waits for the database"
    assert told(at=time.time() - 60).detail == "silent for 60 s"
    (tmp_path / HEALTH_FILE).write_bytes(b"{")
    assert worker_health(tmp_path).detail == "tells what can't be read"


@pytest.mark.parametrize("age", [0, 120])
async def test_metrics_hold_the_workers_while_they_are_fresh(tmp_path, database, age):
    registry = CollectorRegistry()
    jobs = Counter("backdesk_jobs", "Attempts", ["job", "outcome"], registry=registry)
    jobs.labels("t.poison", "failed").inc(2)
    Counter("python_gc_objects_collected", "Same name as the server's", registry=registry)
    (tmp_path / METRICS_FILE).write_bytes(generate_latest(registry))
    os.utime(tmp_path / METRICS_FILE, (time.time() - age,) * 2)
    app = Starlette(routes=health_routes(database, tmp_path))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:
        text = (await http.get("/metrics")).text
    labels = {"job": "t.poison", "outcome": "failed", "process": "worker"}
    values = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "backdesk_jobs_total" and sample.labels == labels
    ]
    assert values == ([2.0] if age == 0 else [])
    kinds = [line for line in text.splitlines() if line.startswith("# TYPE python_gc_objects_")]
    assert len(kinds) == len(set(kinds))
