"""Mail for development: each mail is an RFC 5322 file in a folder, and nothing leaves the machine.

Files appear whole or not at all, are readable by their owner alone (they carry tokens), and are
named by the mail's key, so that a repetition replaces the file.
"""

import asyncio
import os
import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTPUTF8
from email.utils import format_datetime
from pathlib import Path

from domain.clients.ports import MailNotSent
from domain.clients.values import Mail
from domain.kernel.clock import Clock, SystemClock

_KEY = re.compile(r"[a-z0-9-]{1,100}", re.ASCII)
_HERE = "backdesk.localhost"  # RFC 6761 §6.3: never resolves to anybody else


class FileOutbox:
    """A mailer that writes `.eml` files into `folder`, which it makes when it is not there."""

    def __init__(self, folder: Path, *, clock: Clock | None = None) -> None:
        self._folder = folder
        self._clock = clock or SystemClock()

    async def send(self, mail: Mail) -> None:
        """Write the mail. Raises MailNotSent when the disk refuses."""
        assert _KEY.fullmatch(mail.key), mail.key
        body = self._render(mail)
        try:
            await asyncio.to_thread(self._put, f"{mail.key}.eml", body)
        except OSError as error:
            raise MailNotSent(f"{self._folder} can't be written: {error.strerror}") from error

    def _render(self, mail: Mail) -> bytes:
        """The file's bytes. The library refuses line ends inside a header."""
        user, _, domain = mail.to.rpartition("@")
        message = EmailMessage(policy=SMTPUTF8)
        message["From"] = Address(_one_line(mail.sender_name), "no-reply", _HERE)
        message["To"] = Address("", user, domain)
        message["Subject"] = _one_line(mail.subject)
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = f"<{mail.key}@{_HERE}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's machine answers
        message.set_content(mail.text, cte="8bit")
        return message.as_bytes()

    def _put(self, name: str, body: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._folder / f".{name}.{os.getpid()}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._folder / name)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise


def _one_line(text: str) -> str:
    return " ".join(text.split())
