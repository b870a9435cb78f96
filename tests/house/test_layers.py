"""Imports point downwards only, and each room imports only what it may."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import schema
from tests.house.sources import ROOT, Source, of, report

# Who may talk to other machines: adapters for vendors through `domain.outbound`, and the edge's
# own tools.
HTTP_CLIENTS = {"httpx", "aiohttp", "requests", "urllib3", "websockets"}


def test_contracts_of_import_linter_hold():
    program = Path(sys.executable).with_name("lint-imports")
    told = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert told.returncode == 0, told.stdout + told.stderr


def test_every_context_stands_in_the_layers():
    """A new folder that the layers do not name would be bound by nothing."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = [one["layers"] for one in config["contracts"] if one["type"] == "layers"]
    named = {name.strip() for layer in layers for name in layer.split("|")}
    contexts = {f"domain.{path.parent.name}" for path in ROOT.glob("domain/*/__init__.py")}
    assert contexts <= named, "add the context to the layers in pyproject.toml"


def test_only_adapters_call_other_machines():
    found = [
        source.at(node)
        for source in of("domain", "tenants", "schema")
        if "/adapters/" not in source.path and not source.path.startswith("domain/outbound/")
        for node, name in imported(source)
        if name.split(".")[0] in HTTP_CLIENTS or name in ("urllib.request", "http.client")
    ]
    assert not found, report(found, "calls to other machines belong in domain/<context>/adapters/")


def test_alembic_folder_does_not_shadow_the_library():
    assert not (ROOT / "alembic" / "__init__.py").exists(), "then `import alembic` would be ours"


def test_schema_is_our_own_package():
    """A package of that name exists in the world; imported instead of ours, nothing would serve."""
    assert schema.__file__ is not None
    assert Path(schema.__file__).is_relative_to(ROOT)


def imported(source: Source) -> list[tuple[ast.AST, str]]:
    """Every module a file imports, with the statement."""
    found: list[tuple[ast.AST, str]] = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            found += [(node, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append((node, node.module))
    return found
