"""A child's output: all of it into its log file, its errors also to the terminal, prefixed."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path

LARGEST_LOG = 10 * 1024 * 1024
SAID_PER_WINDOW = 20
WINDOW_SECONDS = 10.0
_ERROR = re.compile(r"\b(ERROR|CRITICAL|FATAL|PANIC)\b|\"level\": ?\"(error|critical)\"|^error:")
_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;]*m")


class ProcessLog:
    """Copies one child's lines. A log over 10 MB is moved to `<name>.log.1` at a start."""

    def __init__(self, name: str, file: Path, say: Callable[[str], None]) -> None:
        self.name = name
        self.file = file
        self._say = say
        self._in_traceback = False
        self._window = 0.0
        self._said = 0

    async def copy(self, stream: asyncio.StreamReader) -> None:
        """Copy until the child closes its output."""
        if self.file.exists() and self.file.stat().st_size > LARGEST_LOG:
            self.file.replace(self.file.with_name(self.file.name + ".1"))
        rest = b""
        with self.file.open("ab", buffering=0) as log:
            while chunk := await stream.read(65536):
                log.write(chunk)
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self.notice(line.decode(errors="replace"))
                rest = rest[-65536:]
        self.notice(rest.decode(errors="replace"))

    def notice(self, line: str) -> None:
        """Say a line that is an error; of a traceback only its last line."""
        plain = _TERMINAL_CODES.sub("", line).rstrip()
        if plain.startswith("Traceback (most recent call last)"):
            self._in_traceback = True
            return
        if self._in_traceback:
            if plain.startswith((" ", "\t")) or not plain:
                return
            self._in_traceback = False
            self._speak(plain)
        elif _ERROR.search(plain):
            self._speak(plain)

    def _speak(self, line: str) -> None:
        now = time.monotonic()
        if now - self._window > WINDOW_SECONDS:
            self._window, self._said = now, 0
        self._said += 1
        if self._said <= SAID_PER_WINDOW:
            self._say(f"[{self.name}] {line[:500]}")
        elif self._said == SAID_PER_WINDOW + 1:
            self._say(f"[{self.name}] more of it in {self.file}")
