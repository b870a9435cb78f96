"""pgbench beside our own code: the programs, the scripts and what they measured."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from api.embedded import Endpoints
from api.embedded.binaries import available

WALLETS = 10_000
"""Wallets have the ids 1 … 10,000 and the house's account 0, so that pgbench can draw them."""

NEW_ID = "(lpad(to_hex(:i::bigint), 16, '0') || lpad(to_hex(:j::bigint), 16, '0'))"
"""What nothing else is called, as hex; a uuid when it is cast."""


def find() -> Path | None:
    """pgbench of the Postgres that runs, else the one on PATH."""
    beside = [one.program("pgbench") for one in available()]
    found = next((path for path in beside if path.exists()), None)
    on_path = shutil.which("pgbench")
    return found or (Path(on_path) if on_path else None)


def rate(
    program: Path,
    endpoints: Endpoints,
    script: Path,
    *,
    connections: int,
    seconds: int,
    values: Mapping[str, str] | None = None,
) -> float:
    """Transactions per second of a script as the role `app`, statements prepared once."""
    options = endpoints.options or {}
    environment = {
        **os.environ,
        "PGHOST": options["host"],
        "PGPORT": options["port"],
        "PGUSER": endpoints.name("app"),
        "PGPASSWORD": endpoints.passwords["app"],
        "PGDATABASE": endpoints.database,
        # A convoy is what is measured here: nobody may give up waiting.
        "PGOPTIONS": "-c lock_timeout=0 -c statement_timeout=0",
    }
    command = [str(program), "-n", "-M", "prepared", "-j", "1", "-c", str(connections), "-T",
               str(seconds), "-f", str(script)]  # fmt: skip
    for name, value in (values or {}).items():
        command += ["-D", f"{name}={value}"]
    told = subprocess.run(command, env=environment, capture_output=True, text=True)
    measured = re.search(r"tps = ([0-9.]+)", told.stdout)
    if told.returncode or not measured:
        raise SystemExit(f"error: pgbench failed: {told.stderr.strip()[-500:]}")
    return float(measured[1])


def account(number: str) -> str:
    """The id of an account by its number, in SQL."""
    return f"('00000000-0000-0000-0000-' || lpad(to_hex(({number})::bigint), 12, '0'))::uuid"


def bare(brand: str, *, hot: bool) -> str:
    """The rows of a transfer between two wallets, or of one and the house, by plain statements.

    The same columns, indexes, keys and checks; no row security, no trigger, no function.
    """
    first = "0" if hot else "least(:a::int, :b::int)"
    second = ":a" if hot else "greatest(:a::int, :b::int) + (:a::int = :b::int)::int"
    lines = [
        *drawn(),
        "begin;",
        "insert into bare.ledger_transfer (brand_id, id, key, kind, state, actor_kind, meta, hash,"
        f" effective_at, recorded_at) values ('{brand}', {NEW_ID}::uuid, {NEW_ID}, 'TEST',"
        " 'POSTED', 'SYSTEM', '{}', 'h', now(), clock_timestamp());",
    ]
    for n, (number, amount) in enumerate(((first, -5), (second, 5))):
        if number != "0":
            lines.append(
                f"update bare.ledger_account set posted = posted + {amount}, version = version + 1"
                f" where brand_id = '{brand}' and id = {account(number)};"
            )
        lines.append(
            "insert into bare.ledger_posting (brand_id, transfer_id, n, account_id, asset, amount,"
            f" recorded_at) values ('{brand}', {NEW_ID}::uuid, {n}, {account(number)}, 'USD',"
            f" {amount}, clock_timestamp());"
        )
    return "\n".join([*lines, "commit;", ""])


def posted(brand: str, *, hot: bool) -> str:
    """The same transfer by `ledger.post`, under row security, with every guard."""
    first, second = ("0", ":a") if hot else (":a", ":b")
    return "\n".join(
        [
            *drawn(),
            f"begin; set local app.brand_id = '{brand}';",
            f"select * from ledger.post('{brand}'::uuid, now(), 'SYSTEM', null,"
            " array[gen_random_uuid()], array[gen_random_uuid()::text], array['TEST'],"
            " array['POSTED'], array[null]::uuid[], array[null]::timestamptz[],"
            " array[null]::text[], array[null]::text[], array[null]::uuid[], array[null]::text[],"
            " array['{}'], array['h'::bytea], array[1, 1],"
            f" array[{account(first)}, {account(second)}], array['USD', 'USD'],"
            " array[-5, 5]::numeric[]);",
            "commit;",
            "",
        ]
    )


def drawn() -> list[str]:
    """The numbers of two accounts, `a` and `b`, and what `NEW_ID` is made of."""
    accounts = [f"\\set {name} random(1, {WALLETS - 1})" for name in "ab"]
    return [*accounts, *(f"\\set {name} random(1, 9000000000000000)" for name in "ij")]
