"""`backdesk ledger verify`: every invariant of every brand's ledger, as a table."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from api.embedded.endpoints import Endpoints
from api.embedded.problems import SetupError
from domain.kernel.money import from_minor
from domain.payments.ledger.ageing import AgedBalance
from domain.payments.ledger.checks import Invariant
from domain.payments.ledger.verify import Finding, verify
from tenants import brands
from tenants.database import make_engine
from tenants.work import Database

_SHOWN = 20


def verify_ledgers(urls: Endpoints, slug: str | None, console: Console) -> bool:
    """Verify one brand or all, as the role `worker`, and print what was found. True when clean."""
    return asyncio.run(_verify(urls, slug, console))


async def _verify(urls: Endpoints, slug: str | None, console: Console) -> bool:
    engine = make_engine(urls.url("worker", driver="asyncpg"), pool_size=1)
    try:
        database = Database(engine)
        known = (await brands.load(database)).by_slug
        if slug is not None and slug not in known:
            raise SetupError(f"no brand is called {slug}", f"one of: {', '.join(sorted(known))}")
        chosen = [known[name] for name in sorted(known) if slug in (None, name)]
        findings: dict[str, tuple[Finding, ...]] = {}
        clearing: dict[str, tuple[AgedBalance, ...]] = {}
        for brand in track(chosen, "verifying", console=Console(stderr=True), transient=True):
            verdict = await verify(database, brand.id)
            findings[brand.slug], clearing[brand.slug] = verdict.findings, verdict.clearing
    finally:
        await engine.dispose()
    _show_invariants(findings, console)
    _show_findings(findings, console)
    _show_clearing(clearing, console)
    return not any(findings.values())


def _show_invariants(findings: Mapping[str, tuple[Finding, ...]], console: Console) -> None:
    table = Table(title="ledger", box=None, padding=(0, 2, 0, 0))
    table.add_column("brand")
    for invariant in Invariant:
        table.add_column(invariant, justify="right")
    for slug, found in findings.items():
        counts = [sum(one.invariant is invariant for one in found) for invariant in Invariant]
        cells = [f"[red]{count}[/]" if count else "[green]ok[/]" for count in counts]
        table.add_row(Text(slug), *cells)
    console.print(table)


def _show_findings(findings: Mapping[str, tuple[Finding, ...]], console: Console) -> None:
    for slug, found in findings.items():
        for one in found[:_SHOWN]:
            console.print(Text(f"{slug}: {one.invariant} {one.what}: {one.id}"), soft_wrap=True)
        if len(found) > _SHOWN:
            console.print(Text(f"{slug}: and {len(found) - _SHOWN} more"))


def _show_clearing(clearing: Mapping[str, tuple[AgedBalance, ...]], console: Console) -> None:
    """Money on its way is no fault; its age says who must look, and past its time it is I9."""
    if not any(clearing.values()):
        return
    table = Table(title="clearing accounts that are not zero", box=None, padding=(0, 2, 0, 0))
    for heading in ("brand", "account", "of", "balance", "oldest open posting"):
        table.add_column(
            heading, justify="right" if heading == "balance" else "left", overflow="fold"
        )
    now = datetime.now(UTC)
    for slug, aged in clearing.items():
        for one in aged:
            hours = (now - one.since).total_seconds() / 3600
            amount = from_minor(one.balance.amount_minor, one.balance.currency)
            table.add_row(
                slug, one.kind, one.reference or "–", f"{amount} {one.balance.currency}",
                f"{hours:.1f} h",
            )  # fmt: skip
    console.print(table)
