"""Reads a published OpenAPI document and checks answers against it."""

import re
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

Schema = dict[str, Any]
DOCS = Path(__file__).parents[1] / "docs"


class Contract:
    """One document of `docs/`. Values fit exactly: their properties, types, patterns, lists."""

    def __init__(self, name: str) -> None:
        self._file = DOCS / name

    @cached_property
    def document(self) -> dict[str, Any]:
        loaded: dict[str, Any] = yaml.safe_load(self._file.read_text())
        return loaded

    def schema(self, name: str) -> Schema:
        found: Schema = self.document["components"]["schemas"][name]
        return found

    def resolve(self, node: Schema) -> Schema:
        """What a reference stands for."""
        while "$ref" in node:
            found: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    def operations(self) -> set[tuple[str, str]]:
        """("GET", "/v1/…") of every published operation."""
        return {
            (method.upper(), path)
            for path, methods in self.document["paths"].items()
            for method in methods
        }

    def bodies(self) -> set[str]:
        """Names of the JSON bodies that calls take."""
        return {
            operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
            for methods in self.document["paths"].values()
            for operation in methods.values()
            if "application/json" in operation.get("requestBody", {}).get("content", {})
        }

    def check_answer(self, method: str, path: str, status: int, body: object) -> None:
        """The answer has the shape published for this call and status."""
        for template, methods in self.document["paths"].items():
            pattern = re.sub(r"\{\w+\}", "[^/]+", template)
            if re.fullmatch(pattern, path) and method.lower() in methods:
                answers = methods[method.lower()]["responses"]
                assert str(status) in answers, f"{method} {template} publishes no {status}"
                media = self.resolve(answers[str(status)])["content"]["application/json"]
                self.check(media["schema"], body, f"{method} {template} {status}")
                return
        raise AssertionError(f"{method} {path} is not published")

    def check(self, node: Schema, value: Any, at: str) -> None:
        node = self.resolve(node)
        for part in node.get("allOf", ()):
            if "properties" not in self.resolve(part):
                self.check(part, value, at)
        if "oneOf" in node:
            self._check_one(node["oneOf"], value, at)
            return
        if "enum" in node:
            assert value in node["enum"], f"{at}: {value!r} is not published"
        match node.get("type"):
            case "object":
                self._check_object(node, value, at)
            case "array":
                assert isinstance(value, list), at
                for number, item in enumerate(value):
                    self.check(node["items"], item, f"{at}[{number}]")
            case "string":
                assert isinstance(value, str), at
                assert re.search(node.get("pattern", ""), value), f"{at}: {value!r}"
                is_time = node.get("format") == "date-time"
                assert not is_time or value.endswith("Z"), f"{at}: {value!r}"
            case "integer" | "number" as kind:
                wanted = int if kind == "integer" else int | float
                assert isinstance(value, wanted), at
                assert not isinstance(value, bool), at
            case "boolean":
                assert isinstance(value, bool), at

    def _check_one(self, choices: list[Schema], value: Any, at: str) -> None:
        kinds = [self.resolve(one) for one in choices]
        null = [one for one in kinds if one.get("type") == "null"]
        if value is None:
            assert null, f"{at} may not be null"
            return
        others = [one for one in kinds if one not in null]
        failures = []
        for one in others:
            try:
                self.check(one, value, at)
            except AssertionError as error:
                failures.append(str(error))
        assert len(failures) < len(others), "; ".join(failures)

    def _check_object(self, node: Schema, value: Any, at: str) -> None:
        assert isinstance(value, dict), at
        if "properties" not in node:
            return
        published = set(node["properties"])
        assert set(value) == published, f"{at}: {set(value) ^ published}"
        for name, item in value.items():
            self.check(node["properties"][name], item, f"{at}.{name}")
