"""Bugs planted on purpose: the checker that does not find each within a minute is no checker."""

from tests.chaos.stage import Stage

PLANTS = (
    "unique_key",
    "lock_order",
    "publish_before_commit",
    "retry_without_key",
    "naive_cursor",
)


def break_api(plant: str) -> None:
    """Patch a forked server or worker."""


def break_worker(plant: str) -> None:
    break_api(plant)


def break_database(plant: str, stage: Stage) -> None:
    """Patch the database before the campaign begins."""
