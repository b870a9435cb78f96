"""Our own files as the house rules read them: what git knows or would add, parsed once."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("api", "schema", "domain", "tenants", "simulator", "sandbox")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Source:
    """One Python file, its path relative to the root with forward slashes."""

    path: str
    text: str
    tree: ast.Module

    @property
    def is_test(self) -> bool:
        return self.path.startswith("tests/")

    @property
    def is_migration(self) -> bool:
        return self.path.startswith("alembic/")

    def at(self, node: ast.AST) -> str:
        """`path:line`, as an editor opens it."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"

    def calls(self) -> Iterator[ast.Call]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.Call))

    def strings(self) -> Iterator[ast.Constant]:
        """String constants that are not docstrings."""
        documents = {
            id(node.body[0].value)
            for node in ast.walk(self.tree)
            if isinstance(node, (ast.Module, ast.ClassDef, *FUNCTIONS))
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(self.tree):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and id(node) not in documents
            ):
                yield node


@cache
def committed() -> tuple[str, ...]:
    """Paths of all files that are committed or would be by `git add`."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return tuple(sorted({p for p in listed.split("\0") if p and (ROOT / p).is_file()}))


@cache
def sources() -> tuple[Source, ...]:
    """Every Python file of ours."""
    found = []
    for path in committed():
        if path.endswith(".py"):
            text = (ROOT / path).read_text(encoding="utf-8")
            found.append(Source(path, text, ast.parse(text, path)))
    return tuple(found)


def of(*folders: str) -> list[Source]:
    """The Python files in these top-level folders."""
    return [one for one in sources() if one.path.split("/")[0] in folders]


def called(call: ast.Call) -> str:
    """The last name of what is called: `execute` for `a.b.execute(…)`."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def report(found: list[str], rule: str) -> str:
    """The message of a broken rule: what to do, then where."""
    return "\n  ".join([rule, *found])
