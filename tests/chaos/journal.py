"""The driver's own journal: what was asked, and what became of it as the driver was told.

Written to disk before the request leaves and after each answer, so that a campaign which ends badly
can be read. It is the only witness of the checker that is not the database.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OPEN, ACKED, REFUSED = "open", "acked", "refused"


@dataclass(slots=True)
class Intent:
    """One thing that is wanted once. `facts` is what the checker compares with the books."""

    n: int
    verb: str
    key: str
    facts: dict[str, Any]
    state: str = OPEN
    object_id: str = ""
    code: str = ""
    unknown: int = 0


@dataclass
class Journal:
    """Intents by number, and each line of theirs on disk."""

    path: Path
    intents: list[Intent] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    raced: int = 0
    altered: int = 0

    def __post_init__(self) -> None:
        self._file = self.path.open("a", buffering=1)

    def intend(self, verb: str, key: str, facts: Mapping[str, Any]) -> Intent:
        """Write down what will be asked."""
        made = Intent(len(self.intents), verb, key, dict(facts))
        self.intents.append(made)
        self._write(made.n, "intent", verb=verb, key=key, **made.facts)
        return made

    def unknown(self, intent: Intent, why: str) -> None:
        """Nobody can say whether it happened."""
        intent.unknown += 1
        self._write(intent.n, "unknown", why=why)

    def acked(self, intent: Intent, object_id: str) -> None:
        """It happened. Every later answer must name the same object."""
        self._contradicts(intent, ACKED, object_id)
        intent.state, intent.object_id = ACKED, object_id
        self._write(intent.n, ACKED, id=object_id)

    def refused(self, intent: Intent, code: str) -> None:
        """It did not happen, and never will under this key."""
        self._contradicts(intent, REFUSED, code)
        intent.state, intent.code = REFUSED, code
        self._write(intent.n, REFUSED, code=code)

    def find(self, what: str) -> None:
        """A broken promise that the driver saw itself."""
        self.findings.append(what)
        self._write(-1, "finding", what=what)

    def close(self) -> None:
        self._file.close()

    def _contradicts(self, intent: Intent, state: str, told: str) -> None:
        earlier = intent.object_id if intent.state == ACKED else intent.code
        if intent.state not in (OPEN, state) or (earlier and earlier != told):
            self.find(f"{intent.verb} {intent.key}: {intent.state} {earlier}, then {state} {told}")

    def _write(self, n: int, line: str, **more: Any) -> None:
        self._file.write(json.dumps({"n": n, "line": line, **more}) + "\n")
