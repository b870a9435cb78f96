"""What `backdesk run` prints when everything serves: addresses, brands, tokens, first queries."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.text import Text

from api.settings import Settings

QUERIES = (
    ("Who am I, and in which brand?", "{ viewer { permissions } brand { slug name } }"),
    (
        "The first clients and their accounts",
        "{ clients(first: 3, orderBy: {field: CREATED_AT}) { totalCount { value } "
        "nodes { reference name accounts(first: 5) { nodes { login kind state "
        "{ equity { amount currencyCode } } } } } } }",
    ),
    (
        "What happened, oldest first (pass the last cursor as `after` to go on)",
        "{ events(topics: [ACCOUNT], first: 5) { events { cursor kind occurredAt } hasMore } }",
    ),
)

UNSCREENED = (
    "none: no sanctions lists. With their files: backdesk sanctions import --list UN "
    "consolidated.xml, and --list OFAC SDN.CSV ALT.CSV --published YYYY-MM-DD"
)


def greet(settings: Settings, console: Console) -> None:
    """Print where things are and how to begin. Nothing about brands without a demo."""
    told = _read_demo(settings) if settings.environment == "development" else {}
    console.print()
    for label, value in _addresses(settings, told):
        console.print(Text.assemble((f"{label:<10}", "bold"), value), soft_wrap=True)
    for brand in told.get("brands", []):
        console.print()
        console.print(_brand_title(brand), soft_wrap=True)
        for actor, token in brand["tokens"].items():
            # Never cut or folded: a token is there to be copied.
            console.print(Text.assemble((f"  {actor:<12} ", "green"), token), soft_wrap=True)
    if told.get("brands"):
        _print_queries(settings, told, console)
    console.print()
    console.print(Text("Ctrl-C stops everything.", style="dim"))


def _read_demo(settings: Settings) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(settings.home.demo_file.read_text())
    except (OSError, ValueError):
        return {}
    return found


def _addresses(settings: Settings, told: dict[str, Any]) -> list[tuple[str, str]]:
    addresses = [
        ("Board", f"{settings.url}/board"),
        ("API", told.get("graphql", f"{settings.url}/graphql")),
        ("WebSocket", told.get("ws", f"{settings.url.replace('http', 'ws', 1)}/graphql")),
        ("Home", str(settings.home.path)),
    ]
    if settings.environment == "development":
        addresses.insert(0, ("GraphiQL", told.get("graphql", f"{settings.url}/graphql")))
    if told:
        lists = told.get("sanctions_lists")
        addresses.append(("Screening", ", ".join(lists) if lists else UNSCREENED))
    if operator := told.get("operator"):
        addresses.append(("Operator", operator))
    return addresses


def _brand_title(brand: dict[str, Any]) -> Text:
    return Text.assemble(
        ("Brand ", "bold"),
        (str(brand["slug"]), "bold cyan"),
        f"  host {brand['host']}  publishable key {brand['publishable_key']}",
    )


def _print_queries(settings: Settings, told: dict[str, Any], console: Console) -> None:
    token = told["brands"][0]["tokens"].get("brand_admin", "")
    address = told.get("graphql", f"{settings.url}/graphql")
    console.print()
    console.print(Text("Three queries to paste:", style="bold"))
    for title, query in QUERIES:
        body = json.dumps({"query": query})
        console.print(Text(f"# {title}", style="dim"))
        command = (
            f"curl -s {address} -H 'content-type: application/json'"
            f" -H 'authorization: Bearer {token}' -d '{body}'"
        )
        console.print(Text(command), soft_wrap=True)
