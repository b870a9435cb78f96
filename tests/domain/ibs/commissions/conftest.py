"""The real simulator, for what only a platform can say."""

from tests.domain.payments.transfers.conftest import (
    app,
    clock,
    driver,
    own_database,
    platform_database,
    series,
    settings,
    till,
)

__all__ = [
    "app",
    "clock",
    "driver",
    "own_database",
    "platform_database",
    "series",
    "settings",
    "till",
]
