"""Trusted documents at the edge: by id or by their text, over every transport, and no others."""

import json
from typing import Any
from uuid import UUID

import pytest

from api.graphql.parameters import Parameters
from api.graphql.trusted import Trusted
from domain.kernel.errors import Unavailable
from tenants.context import Actor, ActorKind, Scope
from tenants.trusted_documents import document_id_of, sha256_of
from tenants.trusted_lists import TrustedList
from tenants.values import DocumentPolicy
from tests.api.graphql.conftest import SCHEMA
from tests.api.graphql.test_sse import frames
from tests.api.graphql.test_websocket import hear, opened, tell
from tests.api.graphql.toy import BRAND, settled

RESPONSE = {"Accept": "application/graphql-response+json"}
VIEWER = "query Who { viewer }"
NOTE = "mutation Note($text: String!) { noteCreate(text: $text) }"
EVENTS = "subscription Events { accountEvents { cursor } }"
TWO = "query One { viewer } query Two { __typename }"
# 2,502 points: more than a client has, less than staff.
DEAR = "{ clients(first: 100) { nodes { accounts(first: 22) { nodes { id } } } } }"
OTHER = "query Other { viewer }"
MESSAGE = "No trusted document has this id."
ONLY = "Only trusted documents run here; send the documentId of one."


class Listed:
    """The list of one brand, with the number of times that it was asked for a text."""

    def __init__(self, policy: DocumentPolicy, *texts: str) -> None:
        self.texts = {sha256_of(text): text for text in texts}
        self.policy = policy
        self.read = 0
        self.unavailable = False

    async def of(self, brand_id: UUID) -> TrustedList:
        if self.unavailable:
            raise Unavailable()
        assert brand_id == BRAND
        if self.policy is DocumentPolicy.OFF:
            return TrustedList()
        return TrustedList(self.policy, 1, frozenset(self.texts))

    async def text(self, brand_id: UUID, hash_: str) -> str | None:
        self.read += 1
        return self.texts.get(hash_)


def listed(policy: DocumentPolicy) -> Listed:
    return Listed(policy, VIEWER, NOTE, EVENTS, TWO, DEAR)


def id_of(text: str) -> str:
    return document_id_of(sha256_of(text))


async def by_id(toy: Any, text: str, **more: Any) -> Any:
    headers = {**RESPONSE, "Authorization": f"Bearer {more.pop('token', toy.token)}"}
    return await toy.http.post(toy.url, json={"documentId": id_of(text), **more}, headers=headers)


def told(answer: Any) -> tuple[int, str, str]:
    (error,) = answer.json()["errors"]
    return answer.status_code, error["extensions"]["code"], error["message"]


async def test_a_document_runs_by_its_id_and_is_read_once(make_toy: Any) -> None:
    lists = listed(DocumentPolicy.ACCEPT)
    toy = await make_toy(lists=lists)
    for _ in range(3):
        answer = await by_id(toy, VIEWER)
        assert (answer.status_code, answer.json()["data"]) == (200, {"viewer": "t-client"})
    assert lists.read == 1
    answer = await by_id(toy, NOTE, variables={"text": "so"}, operationName="Note")
    assert answer.json()["data"] == {"noteCreate": "so"}
    answer = await by_id(toy, TWO, operationName="Two")
    assert answer.json()["data"] == {"__typename": "Query"}
    assert (await by_id(toy, TWO)).status_code == 400
    await settled(toy)


async def test_a_get_carries_an_id_and_no_mutation(make_toy: Any) -> None:
    toy = await make_toy(lists=listed(DocumentPolicy.ACCEPT), development=True)
    headers = {"Authorization": f"Bearer {toy.token}", "Accept": "text/html, */*"}
    answer = await toy.http.get(toy.url, params={"documentId": id_of(VIEWER)}, headers=headers)
    assert answer.json()["data"] == {"viewer": "t-client"}
    given = {"documentId": id_of(NOTE), "variables": json.dumps({"text": "so"})}
    answer = await toy.http.get(toy.url, params=given, headers=headers)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_an_event_stream_is_asked_for_by_id(make_toy: Any) -> None:
    toy = await make_toy(lists=listed(DocumentPolicy.ENFORCE))
    headers = {"Authorization": f"Bearer {toy.token}", "Accept": "text/event-stream"}
    answer = await toy.http.get(toy.url, params={"documentId": id_of(EVENTS)}, headers=headers)
    assert [one.get("id") for one in frames(answer.text)] == ["1", "2", "3", None]
    answer = await toy.http.post(
        toy.url, json={"query": EVENTS.replace("Events", "Mine")}, headers=headers
    )
    assert told(answer) == (400, "DOCUMENT_NOT_FOUND", ONLY)


async def test_sockets_take_ids_and_a_bad_one_fails_alone(make_toy: Any) -> None:
    toy = await make_toy(lists=listed(DocumentPolicy.ENFORCE))
    async with opened(toy) as socket:
        payload: dict[str, Any] = {"documentId": id_of(EVENTS)}
        await tell(socket, type="subscribe", id="1", payload=payload)
        heard = [(await hear(socket))["type"] for _ in range(4)]
        assert heard == ["next", "next", "next", "complete"]
        given = {"text": "so"}
        payload = {"documentId": id_of(NOTE), "variables": given, "operationName": "Note"}
        await tell(socket, type="subscribe", id="1", payload=payload)
        assert (await hear(socket))["payload"]["data"] == {"noteCreate": "so"}
        assert (await hear(socket))["type"] == "complete"
        for payload, code in (
            ({"documentId": id_of(OTHER)}, "DOCUMENT_NOT_FOUND"),
            ({"query": OTHER}, "DOCUMENT_NOT_FOUND"),
            ({"query": VIEWER, "documentId": id_of(VIEWER)}, "BAD_USER_INPUT"),
            ({"documentId": ""}, "BAD_USER_INPUT"),
        ):
            await tell(socket, type="subscribe", id="1", payload=payload)
            message = await hear(socket)
            assert message["type"] == "error", payload
            assert message["payload"][0]["extensions"]["code"] == code
        await tell(socket, type="subscribe", id="1", payload={"query": VIEWER})
        assert (await hear(socket))["payload"]["data"] == {"viewer": "t-client"}
    await settled(toy)


@pytest.mark.parametrize(
    "body",
    [
        {"query": VIEWER, "documentId": id_of(VIEWER)},
        {"query": "", "documentId": id_of(VIEWER)},
        {"documentId": ""},
        {"documentId": 7},
        {"documentId": [id_of(VIEWER)]},
        {"query": None, "documentId": None},
        [{"documentId": id_of(VIEWER)}],
    ],
)
async def test_a_request_names_one_document(make_toy: Any, body: Any) -> None:
    toy = await make_toy(lists=listed(DocumentPolicy.ACCEPT))
    answer = await toy.http.post(toy.url, json=body)
    assert told(answer)[:2] == (400, "BAD_USER_INPUT")


async def test_unknown_is_unknown_whatever_the_reason(make_toy: Any) -> None:
    """Not listed, malformed, of another form, or of a brand that lists nothing: one answer."""
    toy = await make_toy(lists=listed(DocumentPolicy.ACCEPT))
    off = await make_toy(lists=listed(DocumentPolicy.OFF))
    none = await make_toy()
    headers = {**RESPONSE, "Authorization": f"Bearer {toy.token}"}
    hash_ = sha256_of(VIEWER)
    for at, given in (
        (toy, id_of(OTHER)),
        (toy, hash_),
        (toy, f"sha256:{hash_.upper()}"),
        (toy, f"sha256:{hash_}\n"),
        (toy, f"md5:{hash_}"),
        (toy, "sha256:\x00"),
        (off, id_of(VIEWER)),
        (none, id_of(VIEWER)),
    ):
        at.book.add("t-client", ActorKind.CLIENT)
        answer = await at.http.post(at.url, json={"documentId": given}, headers=headers)
        assert told(answer) == (400, "DOCUMENT_NOT_FOUND", MESSAGE), given


async def test_who_is_held_to_the_list(make_toy: Any) -> None:
    toy = await make_toy(lists=listed(DocumentPolicy.ENFORCE))
    for kind in ActorKind:
        token = None if kind is ActorKind.ANONYMOUS else toy.book.add(f"t-{kind}", kind)
        headers = {**RESPONSE, **({"Authorization": f"Bearer {token}"} if token else {})}
        held = kind in {ActorKind.CLIENT, ActorKind.IB, ActorKind.ANONYMOUS}
        answer = await toy.http.post(toy.url, json={"query": OTHER}, headers=headers)
        assert answer.status_code == (400 if held else 200), kind
        for body in ({"query": VIEWER}, {"documentId": id_of(VIEWER)}):
            answer = await toy.http.post(toy.url, json=body, headers=headers)
            assert answer.json()["data"] == {"viewer": token}, kind


@pytest.mark.parametrize(
    "text", [VIEWER + " ", VIEWER + "\n", VIEWER.replace(" {", "{"), "# so\n" + VIEWER, OTHER]
)
async def test_another_text_is_another_document(make_toy: Any, text: str) -> None:
    toy = await make_toy(lists=listed(DocumentPolicy.ENFORCE))
    for body in ({"query": text}, {"query": text, "operationName": "Who"}):
        headers = {**RESPONSE, "Authorization": f"Bearer {toy.token}"}
        answer = await toy.http.post(toy.url, json=body, headers=headers)
        assert told(answer) == (400, "DOCUMENT_NOT_FOUND", ONLY)
        answer = await toy.http.get(toy.url, params=body, headers=headers)
        assert told(answer) == (400, "DOCUMENT_NOT_FOUND", ONLY)


async def test_what_is_refused_is_not_even_read(make_toy: Any) -> None:
    """A text that can't be parsed hears the same as one that can."""
    toy = await make_toy(lists=listed(DocumentPolicy.ENFORCE))
    answer = await toy.post("{ nonsense", headers=RESPONSE)
    assert told(answer) == (400, "DOCUMENT_NOT_FOUND", ONLY)


async def test_a_trusted_document_may_cost_what_staff_may(make_toy: Any) -> None:
    for policy, status in (
        (DocumentPolicy.OFF, 400),
        (DocumentPolicy.ACCEPT, 200),
        (DocumentPolicy.ENFORCE, 200),
    ):
        toy = await make_toy(lists=listed(policy))
        answer = await toy.post(DEAR, headers=RESPONSE)
        assert answer.status_code == status, answer.text
    assert (await by_id(toy, DEAR)).json()["extensions"]["cost"]["requestedQueryCost"] > 2_000
    toy = await make_toy(lists=listed(DocumentPolicy.ACCEPT))
    answer = await toy.post(DEAR + " ", headers=RESPONSE)
    assert told(answer)[1] == "COST_TOO_HIGH"


async def test_unknown_ids_cost_their_caller_something(make_toy: Any) -> None:
    toy = await make_toy(lists=listed(DocumentPolicy.ACCEPT))
    before = (await by_id(toy, VIEWER)).json()["extensions"]["cost"]["throttleStatus"]
    for _ in range(30):
        assert (await by_id(toy, OTHER)).status_code == 400
    after = (await by_id(toy, VIEWER)).json()["extensions"]["cost"]["throttleStatus"]
    assert after["currentlyAvailable"] < before["currentlyAvailable"]


async def test_removing_and_changing_the_policy_count_at_once(make_toy: Any) -> None:
    lists = listed(DocumentPolicy.ACCEPT)
    toy = await make_toy(lists=lists)
    assert (await by_id(toy, VIEWER)).status_code == 200
    known = lists.texts.pop(sha256_of(VIEWER))
    assert told(await by_id(toy, VIEWER))[1] == "DOCUMENT_NOT_FOUND"
    lists.texts[sha256_of(VIEWER)] = known
    lists.policy = DocumentPolicy.OFF
    assert told(await by_id(toy, VIEWER))[1] == "DOCUMENT_NOT_FOUND"


async def test_the_own_pages_come_in_and_get_no_more_than_anybody(make_toy: Any) -> None:
    toy = await make_toy(lists=listed(DocumentPolicy.ENFORCE), own=[OTHER, DEAR + " "])
    answer = await toy.post(OTHER, anonymous=True)
    assert answer.json()["data"] == {"viewer": None}
    assert told(await toy.post(DEAR + " ", headers=RESPONSE))[1] == "COST_TOO_HIGH"
    assert told(await by_id(toy, OTHER))[1] == "DOCUMENT_NOT_FOUND"


async def test_without_the_list_nothing_that_needs_it_runs(make_toy: Any) -> None:
    lists = listed(DocumentPolicy.ENFORCE)
    toy = await make_toy(lists=lists)
    lists.unavailable = True
    assert told(await by_id(toy, VIEWER))[:2] == (503, "UNAVAILABLE")
    assert told(await toy.post(OTHER))[:2] == (503, "UNAVAILABLE")
    answer = await toy.post(OTHER, headers={"Authorization": f"Bearer {toy.staff}"})
    assert answer.json()["data"] == {"viewer": "t-staff"}


async def test_text_and_id_are_one_prepared_document(make_toy: Any) -> None:
    """And strangers' texts can't push it out: it is kept beside theirs."""
    lists = listed(DocumentPolicy.ACCEPT)
    trusted = Trusted(SCHEMA.documents, lists)
    scope = Scope(BRAND, Actor(ActorKind.CLIENT))
    first = await trusted.choose(Parameters(None, {}, None, id_of(VIEWER)), scope)
    again = await trusted.choose(Parameters(VIEWER, {}, None), scope)
    assert first == again
    assert first.prepared is again.prepared
    assert first.trusted
    assert SCHEMA.documents.prepare(VIEWER) is not first.prepared
