"""Become another account if asked, tie the life of this process to its parent's, run a program.

Executed as a file by a bare interpreter (`python -I -S launch.py ACCOUNT SIGNAL PROGRAM ARGS`),
never imported: the switch of account must happen after the fork and before the program, and the
interpreter itself may lie where that account cannot reach.
"""

import ctypes
import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """`ACCOUNT` is a name or `-`; `SIGNAL` is sent when the parent dies (Linux), or 0 for none."""
    account, parting, program, *arguments = sys.argv[1:]
    parent = os.getppid()
    if account != "-":
        entry = pwd.getpwnam(account)
        os.setgroups([entry.pw_gid])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    if int(parting) and sys.platform.startswith("linux"):
        # After the change of account, which would clear it.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(parting), 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)
    # Python ignores SIGPIPE; an ignored signal would be inherited.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.umask(0o077)
    os.execv(program, [program, *arguments])  # noqa: S606 — no shell is the point


main()
