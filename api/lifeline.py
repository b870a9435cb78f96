"""A child's tie to its supervisor: when the other end of a pipe closes, the child ends itself.

It works on every Unix and for every death of the supervisor, `kill -9` included, because the
kernel closes the pipe.
"""

from __future__ import annotations

import os
import signal
import threading

VARIABLE = "BACKDESK_LIFELINE"
PATIENCE_SECONDS = 15.0


def watch() -> bool:
    """Begin to watch the pipe named in the environment; says whether there is one."""
    told = os.environ.pop(VARIABLE, "")
    if not told.isdigit():
        return False
    handle = int(told)
    os.set_inheritable(handle, False)
    threading.Thread(target=_wait, args=(handle,), name="lifeline", daemon=True).start()
    return True


def _wait(handle: int) -> None:
    while os.read(handle, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    # One that does not end by itself must not keep the port or the database busy.
    threading.Event().wait(PATIENCE_SECONDS)
    os._exit(1)
