"""One word per concept (the glossary in CONTRIBUTING), in code, tables and SDL alike."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.house.sources import ROOMS, Source, of, report, sources

# What we say instead of each word.
GLOSSARY = {
    "tenant": "brand",
    "customer": "client",
    "prospect": "lead",
    "callback": "notice",
    "principal": "actor",
    "affiliate": "ib",
    "partner": "ib",
}
# A file is named after the thing inside it.
FILES = {"util", "utils", "helper", "helpers", "manager", "managers", "service", "base", "common"}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def test_our_names_use_the_words_of_the_glossary():
    found = [
        f"{source.at(node)} {name}: say {GLOSSARY[word]}"
        for source in of(*ROOMS, "tests", "alembic")
        for node, name in defined(source)
        for word in words(name)
        if word in GLOSSARY
    ]
    assert not found, report(found, "one word per concept")


def test_files_are_named_after_what_they_own():
    found = [
        source.path
        for source in sources()
        if set(PurePosixPath(source.path).stem.split("_")) & FILES
    ]
    assert not found, report(found, "name the file after the thing inside")


def test_table_and_column_names_use_the_words_of_the_glossary(metadata):
    names = [
        name
        for table in metadata.tables.values()
        for name in (table.name, *(column.name for column in table.columns))
    ]
    assert not [name for name in names if words(name) & set(GLOSSARY)]


def words(name: str) -> set[str]:
    """The words of an identifier, singular and lower case."""
    found = {word.lower() for word in _WORD.findall(name)}
    return found | {word.removesuffix("s") for word in found}


def defined(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """Names that a file gives: functions, classes, parameters, variables, attributes."""
    for node in ast.walk(source.tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node, name
            case ast.ClassDef(name=name):
                yield node, name
            case ast.arg(arg=name):
                yield node, name
            case ast.Name(id=name, ctx=ast.Store()):
                yield node, name
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield node, name
            case _:
                pass
