"""The suites: what each is called and how it is run. Order is the order of the table."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
SDL = ROOT / "schema" / "schema.graphql"
RELEASED = ROOT / "schema" / "released.graphql"
MODULES = HERE / "node_modules"
FUZZED = ("client", "ib_api", "brand_admin")
FUZZ_SECONDS = 60
ENDS_THE_SESSION = "Mutation.sessionRevoke"
"""Ends the very session the fuzzer acts with; all that follows would be 401."""
LINT_EXCEPTIONS = '{"enum-values-sorted-alphabetically": ["PriceInterval"]}'
"""The printer sorts M5 before M15, as people do; the linter compares character by character."""


@dataclass(frozen=True, slots=True)
class Suite:
    """One line of the table: commands run in order in a folder; the first failure ends it."""

    name: str
    commands: tuple[tuple[str, ...], ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = HERE


def clients() -> list[Suite]:
    """Clients and audits, one after the other."""
    node = ("graphql-http", "graphql-ws", "graphql-sse", "urql", "apollo")
    found = [Suite(name, (("node", f"suites/{name}.mjs"),)) for name in node]
    found.append(Suite("gql (Python)", ((_python(), "clients/gql_client.py"),)))
    found.append(portal())
    return found


def portal() -> Suite:
    """The example portal: built from the SDL with these tools, then a client's first day in it."""
    return Suite(
        "examples/portal",
        (
            ("ln", "-sfn", str(MODULES), "node_modules"),
            _bin("graphql-codegen-esm", "--config", "codegen.yml"),
            _bin("tsc", "-p", "."),
            ("node", "dist/journey.js"),
        ),
        folder=ROOT / "examples" / "portal",
    )


def contract() -> list[Suite]:
    """What is checked on the committed SDL and with the compiler; needs little of the server."""
    relative = "../schema/schema.graphql"
    return [
        Suite(
            "codegen and tsc --strict",
            (_bin("graphql-codegen-esm", "--config", "codegen.yml"), _bin("tsc", "-p", ".")),
        ),
        _breaking_changes(),
        Suite(
            "graphql-schema-linter",
            (_bin("graphql-schema-linter", "--ignore", LINT_EXCEPTIONS, relative),),
        ),
        Suite(
            "graphql-eslint",
            (_bin("eslint", "--max-warnings", "0", "generated/schema.graphql"),),
        ),
    ]


def _breaking_changes() -> Suite:
    """Before the first release there is nothing that could be broken."""
    if not RELEASED.exists():
        return Suite("graphql-inspector (nothing released yet)", ())
    diff = _bin("graphql-inspector", "diff", str(RELEASED), str(SDL))
    return Suite("graphql-inspector", (diff,))


def fuzzing(url: str, tokens: Mapping[str, str]) -> list[Suite]:
    """schemathesis as several actors; together they take `FUZZ_SECONDS`."""
    seconds = FUZZ_SECONDS // len(FUZZED)
    return [
        Suite(
            f"schemathesis as {actor}",
            (
                (
                    str(HERE / ".venv" / "bin" / "schemathesis"),
                    "--no-color", "run", url,
                    "--header", f"Authorization: Bearer {tokens[actor]}",
                    "--phases", "fuzzing", "--checks", "no_server_error",
                    "--max-time", str(seconds), "--continue-on-failure", "--workers", "2",
                    "--request-timeout", "30", "--exclude-name", ENDS_THE_SESSION,
                    "--generation-database", "none", "--suppress-health-check", "all",
                ),
            ),
            {"SCHEMATHESIS_HOOKS": "clients.schemathesis_hooks"},
        )
        for actor in FUZZED
    ]  # fmt: skip


def _bin(name: str, *arguments: str) -> tuple[str, ...]:
    return (str(MODULES / ".bin" / name), *arguments)


def _python() -> str:
    return str(HERE / ".venv" / "bin" / "python")


def system_python() -> str:
    """The interpreter that makes the suites' own environment."""
    return sys.executable
