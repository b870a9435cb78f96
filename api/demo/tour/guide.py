"""What the steps of the tour share: asking aloud, waiting for what must come, checking."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.syntax import Syntax
from rich.text import Text

from api.demo.asking import Asker, Json
from api.settings import Settings

PATIENCE_S = 60.0
_LOOK_S = 0.1
_LINES = 32


class StepFailed(Exception):
    """An answer is not what the step promises."""


class Guide:
    """Walks through the steps and says aloud what is asked and answered."""

    def __init__(self, settings: Settings, console: Console, asker: Asker) -> None:
        self.settings = settings
        self.console = console
        self.asker = asker
        self.kept: Json = {}

    @property
    def sandbox_url(self) -> str:
        """Where the sandbox vendors of the running home listen."""
        found: str = self.settings.home.facts().get("sandbox_url", self.settings.sandbox_url)
        return found

    def say(self, line: str) -> None:
        """A remark between query and query."""
        self.console.print(Text(f"  {line}"))

    async def show(self, who: str, query: str, **variables: Any) -> Any:
        """Ask aloud; the value of the only field asked for. Fails on errors of any kind."""
        answer = await self.asker.ask(who, query, variables)
        self.print(who, query, answer.get("data") or answer, variables)
        return value_of(answer)

    async def quietly(self, who: str, query: str, **variables: Any) -> Any:
        """As `show`, without a word."""
        return value_of(await self.asker.ask(who, query, variables))

    def print(self, who: str, query: str, answer: Any, variables: Json | None = None) -> None:
        """Both sides of a question."""
        shown = f" {json.dumps(variables, ensure_ascii=False)}" if variables else ""
        self.console.print(
            Panel(Syntax(query.strip() + shown, "graphql", word_wrap=True), title=who)
        )
        lines = json.dumps(answer, indent=2, ensure_ascii=False).splitlines()
        if len(lines) > _LINES:
            lines = [*lines[:_LINES], f"… and {len(lines) - _LINES} lines more"]
        self.console.print(Syntax("\n".join(lines), "json", word_wrap=True))

    async def until(
        self, what: str, look: Callable[[], Awaitable[Any]], *, seconds: float = PATIENCE_S
    ) -> Any:
        """What `look` finds, once it finds something: other processes are at work."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            if found := await look():
                return found
            await asyncio.sleep(_LOOK_S)
        raise StepFailed(f"{what} did not happen within {seconds:.0f} s")


def check(holds: bool, what: str) -> None:
    """Fail the step unless it holds."""
    if not holds:
        raise StepFailed(what)


def value_of(answer: Json) -> Any:
    """The value of an answer's only field. Fails on errors, those of a payload too."""
    check(not answer.get("errors"), json.dumps(answer.get("errors")))
    (value,) = answer["data"].values()
    if isinstance(value, dict):
        check(not value.get("errors"), json.dumps(value.get("errors")))
    return value
