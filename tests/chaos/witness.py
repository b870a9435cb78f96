"""A consumer inside the workers: it writes down each event that it handles, in the same work."""

from sqlalchemy import text

from api.app import TOPICS
from api.worker import Worker
from domain.events.consumers import Consumer
from domain.events.values import EventRow
from tenants.work import WriteWork

NAME = "chaos.witness"
_SEEN = text("insert into chaos.witness (brand_id, seq) values (:brand_id, :seq)")


async def _write_down(work: WriteWork, event: EventRow) -> None:
    await work.rows(_SEEN, {"brand_id": work.scope.brand_id, "seq": event.seq})


WITNESS = Consumer(NAME, frozenset(TOPICS) | {"LEDGER", "DEPOSIT", "PAYMENT"}, _write_down)


def register(worker: Worker) -> None:
    """Let it follow every brand."""
    worker.consumers.append(WITNESS)
