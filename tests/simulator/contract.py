"""The published contract of the bridge wire, and what its stream says."""

from typing import Any

from tests.openapi import Contract

_BRIDGE = Contract("bridge.openapi.yaml")
check, check_answer = _BRIDGE.check, _BRIDGE.check_answer
operations, schema, resolve = _BRIDGE.operations, _BRIDGE.schema, _BRIDGE.resolve


def document() -> dict[str, Any]:
    return _BRIDGE.document


def check_message(message: dict[str, Any]) -> None:
    """A message of the stream has the published shape of its type."""
    mapping = schema("StreamMessage")["discriminator"]["mapping"]
    node = resolve({"$ref": mapping[message["type"]]})
    if "allOf" in node:
        rest = {name: item for name, item in message.items() if name != "type"}
        check(node["allOf"][1], rest, message["type"])
    else:
        check(node, message, message["type"])
