"""Reads the published contract and checks calls and answers against it."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parents[2] / "docs" / "bridge.openapi.yaml"
Schema = dict[str, Any]


@cache
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return loaded


def schema(name: str) -> Schema:
    found: Schema = document()["components"]["schemas"][name]
    return found


def resolve(node: Schema) -> Schema:
    """What a reference stands for."""
    while "$ref" in node:
        found: Any = document()
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def operations() -> set[tuple[str, str]]:
    """("GET", "/v1/…") of every published operation."""
    return {
        (method.upper(), path)
        for path, methods in document()["paths"].items()
        for method in methods
    }


def check_answer(method: str, path: str, status: int, body: object) -> None:
    """The answer has the shape published for this call and status."""
    for template, methods in document()["paths"].items():
        pattern = re.sub(r"\{\w+\}", "[^/]+", template)
        if re.fullmatch(pattern, path) and method.lower() in methods:
            answers = methods[method.lower()]["responses"]
            assert str(status) in answers, f"{method} {template} publishes no {status}"
            media = resolve(answers[str(status)])["content"]["application/json"]
            check(media["schema"], body, f"{method} {template} {status}")
            return
    raise AssertionError(f"{method} {path} is not published")


def check(node: Schema, value: Any, at: str) -> None:
    """A value fits a schema: exactly its properties, its types, patterns and closed lists."""
    node = resolve(node)
    for part in node.get("allOf", ()):
        if "properties" not in resolve(part):
            check(part, value, at)
    if "oneOf" in node:
        kinds = [resolve(one) for one in node["oneOf"]]
        null = [one for one in kinds if one.get("type") == "null"]
        if value is None:
            assert null, f"{at} may not be null"
        else:
            (other,) = [one for one in kinds if one not in null]
            check(other, value, at)
        return
    if "enum" in node:
        assert value in node["enum"], f"{at}: {value!r} is not published"
    match node.get("type"):
        case "object":
            _check_object(node, value, at)
        case "array":
            assert isinstance(value, list), at
            for number, item in enumerate(value):
                check(node["items"], item, f"{at}[{number}]")
        case "string":
            assert isinstance(value, str), at
            assert re.search(node.get("pattern", ""), value), f"{at}: {value!r}"
            assert node.get("format") != "date-time" or value.endswith("Z"), f"{at}: {value!r}"
        case "integer":
            assert isinstance(value, int), at
            assert not isinstance(value, bool), at
        case "boolean":
            assert isinstance(value, bool), at


def _check_object(node: Schema, value: Any, at: str) -> None:
    assert isinstance(value, dict), at
    if "properties" not in node:
        return
    assert set(value) == set(node["properties"]), f"{at}: {set(value) ^ set(node['properties'])}"
    for name, item in value.items():
        check(node["properties"][name], item, f"{at}.{name}")


def check_message(message: dict[str, Any]) -> None:
    """A message of the stream has the published shape of its type."""
    mapping = schema("StreamMessage")["discriminator"]["mapping"]
    node = resolve({"$ref": mapping[message["type"]]})
    if "allOf" in node:
        rest = {name: item for name, item in message.items() if name != "type"}
        check(node["allOf"][1], rest, message["type"])
    else:
        check(node, message, message["type"])
