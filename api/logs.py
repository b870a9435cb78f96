"""How this process logs: one line an event, to standard error; JSON in production.

Tracebacks are plain: a renderer that shows local variables would print what rows and requests hold.
"""

import logging
import sys
from typing import Any

import orjson
import structlog
from structlog.typing import Processor

from api.settings import Settings


def configure_logs(settings: Settings) -> None:
    """Set structlog up for the whole process."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if settings.environment == "production":
        last: list[Processor] = [structlog.processors.format_exc_info, _JSON]
        _libraries_too(shared)
    else:
        plain = structlog.dev.plain_traceback
        last = [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain)]
    structlog.configure(
        processors=[*shared, *last],
        # Standard error as it is when a logger is made, not as it was at the start.
        logger_factory=lambda *_names: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _libraries_too(shared: list[Processor]) -> None:
    """What libraries log through the standard module comes out in the same form."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.processors.format_exc_info],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _JSON],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)


def _json(event: Any, **_options: Any) -> str:
    return orjson.dumps(event, default=str).decode()


_JSON = structlog.processors.JSONRenderer(serializer=_json)
