"""Fault knobs: how a platform fails, on demand, so that the other side can be tested.

Only served when the process was started with test controls.
"""

from collections.abc import MutableSequence
from dataclasses import dataclass, field
from enum import StrEnum


class FaultKind(StrEnum):
    """DROP applies the call and never answers; LATENCY answers late; STATUS answers an error
    before applying anything; DUPLICATE_DEALS sends a deal twice, LATE_DEALS after the next one;
    CUT_STREAM
    closes every stream at once."""

    DROP = "DROP"
    LATENCY = "LATENCY"
    STATUS = "STATUS"
    DUPLICATE_DEALS = "DUPLICATE_DEALS"
    LATE_DEALS = "LATE_DEALS"
    CUT_STREAM = "CUT_STREAM"


@dataclass(slots=True)
class Fault:
    """`times` more calls whose "METHOD /path" contains `match` fail this way."""

    kind: FaultKind
    times: int = 1
    match: str = ""
    status: int = 503
    delay_ms: int = 0


@dataclass(slots=True)
class Faults:
    """The faults that are set, used up one by one."""

    armed: MutableSequence[Fault] = field(default_factory=list)

    def take(self, *kinds: FaultKind, call: str = "") -> Fault | None:
        """The first armed fault of these kinds that matches, counted down."""
        for fault in self.armed:
            if fault.kind in kinds and fault.match in call:
                fault.times -= 1
                if fault.times <= 0:
                    self.armed.remove(fault)
                return fault
        return None
