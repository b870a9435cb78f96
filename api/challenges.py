"""What challenges ask of the worker, beside the engine that sits behind each platform's stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.challenges.consumers import CONSUMERS
from domain.challenges.jobs import jobs_over, resume

if TYPE_CHECKING:
    from api.payments import Cashier

_RESUME_EVERY_S = 60.0


def register_challenges(cashier: Cashier) -> None:
    """Orders follow their payments, phases begin with their accounts and end by closing them."""
    worker = cashier.worker
    worker.consumers.extend(CONSUMERS)
    worker.jobs.include(jobs_over(worker.platforms, cashier.psps))
    cashier.every(_RESUME_EVERY_S, "stuck challenges", resume)
