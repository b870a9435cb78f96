"""The console command `backdesk`. Expected refusals are one line with the fix, and exit code 1."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.embedded.problems import SetupError
from api.logs import configure_logs
from api.settings import MOST_WORKERS, ROOT, Settings

app = typer.Typer(
    name="backdesk",
    help="Back office for brokerages and prop firms: one API server with its own database.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
schema_app = typer.Typer(help="The GraphQL schema.", no_args_is_help=True)
app.add_typer(schema_app, name="schema")
ledger_app = typer.Typer(help="The books.", no_args_is_help=True)
app.add_typer(ledger_app, name="ledger")
reconcile_app = typer.Typer(help="Settlements of payment providers.", no_args_is_help=True)
app.add_typer(reconcile_app, name="reconcile")
demo_app = typer.Typer(help="The demo brands.")
app.add_typer(demo_app, name="demo")
ibs_app = typer.Typer(help="Introducing brokers.", no_args_is_help=True)
app.add_typer(ibs_app, name="ibs")
challenges_app = typer.Typer(help="Challenges of prop firms.", no_args_is_help=True)
app.add_typer(challenges_app, name="challenges")
sanctions_app = typer.Typer(help="Sanctions lists.", no_args_is_help=True)
app.add_typer(sanctions_app, name="sanctions")
documents_app = typer.Typer(
    help="Documents that front ends are trusted with.", no_args_is_help=True
)
app.add_typer(documents_app, name="documents")
console = Console(highlight=False)


def main() -> None:
    """The entry point: flat package names need the checkout first on the path."""
    if sys.path[0] != str(ROOT):
        sys.path.insert(0, str(ROOT))
    try:
        app()
    except SetupError as error:
        _refuse(str(error))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])).upper()
        _refuse(f"{name} is wrong ({first['msg']}): change or unset it")
    except KeyboardInterrupt:
        sys.exit(130)


def _refuse(line: str) -> None:
    Console(stderr=True, highlight=False).print(Text(f"error: {line}"), soft_wrap=True)
    sys.exit(1)


@app.command()
def run() -> None:
    """Start database, simulator, sandbox, worker and server; stay until Ctrl-C."""
    from api import run as processes

    settings = Settings()
    settings.home.create()
    with settings.home.locked():
        asyncio.run(processes.run(settings, console))


@app.command()
def serve(
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_WORKERS, help="processes that serve; WORKERS when not given"),
    ] = None,
) -> None:
    """Serve the API alone (the database must run)."""
    from api import database, serving, serving_many

    settings = Settings()
    database.running(settings)
    count = workers or settings.workers
    if count > 1 and not serving_many.is_one_of_many():
        asyncio.run(serving_many.serve(settings, count, console.print))
        return
    configure_logs(settings)
    serving.serve(settings)


@app.command()
def worker() -> None:
    """Run the worker alone: jobs, consumers, platform streams (the database must run)."""
    from api import database, serving
    from api.worker import work

    settings = Settings()
    configure_logs(settings)
    serving.run_until_signalled(work(settings, database.running(settings)))


@app.command()
def simulator() -> None:
    """Run the simulator platform and its market alone (the database must run)."""
    from api import database, serving
    from simulator.app import simulate
    from simulator.store import AlreadyRunning, StoreDown

    settings = Settings()
    configure_logs(settings)
    url = database.running(settings).url("simulator", driver="asyncpg")
    market = simulate(
        url,
        socket=settings.simulator_socket,
        prices=settings.prices,
        speed=settings.price_speed,
        has_controls=settings.environment == "development",
    )
    try:
        serving.run_until_signalled(market)
    except AlreadyRunning:
        raise SetupError("another simulator serves this database", "stop it first") from None
    except StoreDown:
        raise SetupError("the database does not answer", "see: backdesk doctor") from None


@app.command()
def sandbox() -> None:
    """Run the sandbox vendors (PSP) alone (the database must run; development only)."""
    from api import database, serving
    from sandbox import app as vendors
    from sandbox.store import StoreDown

    settings = Settings()
    if settings.environment != "development":
        raise SetupError("the sandbox moves no real money", "unset ENVIRONMENT to run it")
    urls = database.running(settings)
    serving.require_port(vendors.HOST, settings.sandbox_port, name="SANDBOX_PORT")
    configure_logs(settings)
    token = settings.home.secrets().sandbox_token
    serve = vendors.run(urls.url("sandbox"), port=settings.sandbox_port, control_token=token)
    try:
        serving.run_until_signalled(serve)
    except StoreDown:
        raise SetupError("the database does not answer", "see: backdesk doctor") from None


@app.command()
def migrate(
    to: Annotated[str, typer.Option(help="revision to stop at")] = "head",
) -> None:
    """Make the roles and bring the database up to date."""
    from api import database
    from api.embedded.migrate import migrate as bring_up_to_date

    settings = Settings()
    with console.status("migrating"), database.opened(settings, console) as urls:
        revisions = bring_up_to_date(urls, to=to)
    console.print(f"database at {', '.join(revisions) or 'nothing'}")


@demo_app.callback(invoke_without_command=True)
def demo(
    context: typer.Context,
    scale: Annotated[
        str | None,
        typer.Option(
            help="instead, load 50 brands in numbers: `reference` (200,000 clients, 500,000 "
            "accounts, 1,000,000 payments, 25,500 ibs) or `leads` (1,200,000)"
        ),
    ] = None,
    seed_: Annotated[
        int, typer.Option("--seed", min=0, max=999, help="which people; the same ones each time")
    ] = 1,
    fraction: Annotated[
        float, typer.Option(min=0.0001, max=1.0, help="so much of the people of each brand")
    ] = 1.0,
) -> None:
    """Seed the demo brands and renew their tokens (`backdesk run` does it by itself)."""
    if context.invoked_subcommand is not None:
        return
    if scale is not None:
        from api.demo.scale.command import load_scale

        load_scale(Settings(), scale, seed_, fraction, console)
        return
    from api import database
    from api.demo.seeding import seed
    from api.embedded.migrate import migrate as bring_up_to_date
    from api.welcome import greet

    settings = Settings()
    with database.opened(settings, console) as urls:
        bring_up_to_date(urls)
        asyncio.run(seed(settings, urls, console.print))
    greet(settings, console)


@demo_app.command("tour")
def demo_tour(
    pause: Annotated[bool, typer.Option(help="wait for Enter after each step")] = False,
) -> None:
    """Walk through five minutes of the demo, against `backdesk run`; exit 1 when a step fails."""
    from api.demo.tour import tour

    if not asyncio.run(tour(Settings(), console, pause=pause)):
        raise typer.Exit(1)


@demo_app.command("crash")
def demo_crash() -> None:
    """Kill Postgres in the middle of deposits; exit 1 when anything was lost or doubled."""
    from api.demo.crash import crash

    if not asyncio.run(crash(Settings(), console)):
        raise typer.Exit(1)


@schema_app.command("print")
def schema_print() -> None:
    """Print the schema as SDL, as committed in schema/schema.graphql."""
    from api.app import print_schema

    typer.echo(print_schema(), nl=False)


@schema_app.command("errors")
def schema_errors() -> None:
    """Print the page of error codes, as committed in docs/errors.md."""
    from api.error_codes import render
    from schema.root import plain

    typer.echo(render(plain()._schema), nl=False)


@ledger_app.command("verify")
def ledger_verify(
    brand: Annotated[str | None, typer.Option(help="only this brand, by its slug")] = None,
) -> None:
    """Check every invariant of the ledger; exit 1 when something is wrong."""
    from api import database
    from api.ledger import verify_ledgers

    with database.opened(Settings(), console) as urls:
        clean = verify_ledgers(urls, brand, console)
    if not clean:
        raise typer.Exit(1)


@ibs_app.command("replay")
def ibs_replay(
    brand: Annotated[str | None, typer.Option(help="only this brand, by its slug")] = None,
) -> None:
    """Reckon every commission again from stored deals; exit 1 when a cent differs."""
    from api import database
    from api.commissions import replay_commissions

    with database.opened(Settings(), console) as urls:
        equal = replay_commissions(urls, brand, console)
    if not equal:
        raise typer.Exit(1)


@challenges_app.command("replay")
def challenges_replay(
    brand: Annotated[str | None, typer.Option(help="only this brand, by its slug")] = None,
    phase: Annotated[str | None, typer.Option(help="only this phase, by its id")] = None,
) -> None:
    """Judge phases again from what was recorded; exit 1 when a verdict differs."""
    from api import database
    from api.replays import replay

    with database.opened(Settings(), console) as urls:
        same = replay(urls, brand, phase, console)
    if not same:
        raise typer.Exit(1)


@reconcile_app.command("import")
def reconcile_import(
    file: Annotated[Path, typer.Argument(help="the settlement, CSV as the provider writes it")],
    brand: Annotated[str, typer.Option(help="slug of the brand")],
    connection: Annotated[str, typer.Option(help="name of the brand's connection")],
) -> None:
    """Import a settlement file: a file once, each line once."""
    from api import database
    from api.reconcile import import_file

    settings = Settings()
    with database.opened(settings, console) as urls:
        import_file(urls, file, brand=brand, connection=connection, console=console)


@sanctions_app.command("import")
def sanctions_import(
    files: Annotated[list[Path], typer.Argument(help="the files as published, gzipped or not")],
    list_: Annotated[str, typer.Option("--list", help="OFAC or UN")],
    published: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="day of publication; OFAC's files do not say it"),
    ] = None,
) -> None:
    """Import a version of a list; the worker then screens every client again."""
    from api import database
    from api.screening import import_files
    from domain.compliance.screening.values import SanctionsList

    if list_.upper() not in list(SanctionsList):
        raise SetupError(f"no list is called {list_}", f"one of: {', '.join(SanctionsList)}")
    settings = Settings()
    with database.opened(settings, console) as urls:
        import_files(
            urls,
            files,
            code=SanctionsList(list_.upper()),
            published_on=published.date() if published else None,
            console=console,
        )


@documents_app.command("add")
def documents_add(
    files: Annotated[
        list[Path], typer.Argument(help="Apollo's manifest, or {hash: text} as codegen and Relay")
    ],
    brand: Annotated[str, typer.Option(help="slug of the brand")],
) -> None:
    """Trust the documents of a front end's build: all of them, or none."""
    from api import database
    from api.documents import add_files

    with database.opened(Settings(), console) as urls:
        add_files(urls, files, brand=brand, console=console)


@app.command()
def doctor() -> None:
    """Check this machine and the installation; exit 1 when something is wrong."""
    from api.doctor import examine

    marks = {True: "[green]ok[/]", False: "[red]wrong[/]", None: "[yellow]–[/]"}
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("check", "", "found", "fix"):
        table.add_column(heading, overflow="fold")
    wrong = 0
    with console.status("examining"):
        for finding in examine(Settings()):
            wrong += finding.ok is False
            fix = "" if finding.ok else finding.fix
            table.add_row(finding.check, marks[finding.ok], Text(finding.detail), Text(fix))
    console.print(table)
    if wrong:
        raise typer.Exit(1)


if __name__ == "__main__":
    main()
