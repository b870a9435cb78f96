"""What the bench of peers stands on: answers are told apart, compared and drawn rightly."""

from collections import Counter
from xml.etree import ElementTree

import pytest

from bench.crowd import Crowd
from bench.peers import limits, picture
from bench.peers.answers import told_by
from bench.peers.command import around
from bench.peers.load import is_refusal, is_whole
from bench.peers.questions import NAMES
from bench.peers.run import Figure, Outcome, Sizes
from bench.peers.servers import OURS
from domain.kernel.ids import new_uuid
from tenants.filling import Stretch, id_of

OK = b"HTTP/1.1 200 OK\r\n"
BASE = Sizes(brands=50, clients=200_000, page=50)


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (OK + b"Content-Length: 2\r\n\r\n{}", True),
        (OK + b"content-length: 3\r\n\r\n{}", False),
        (OK + b"content-length: 2\r\n", False),
        (OK + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", True),
        (OK + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n", False),
    ],
)
def test_an_answer_is_whole_when_its_length_is_there(received: bytes, expected: bool):
    assert is_whole(received) is expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (OK + b'\r\n{"data":{}}', False),
        (OK + b'\r\n{"data":{"note":{"errors":[]}}}', False),
        (OK + b'\r\n{"errors":[{"message":"no"}]}', True),
        (OK + b'\r\n{"data": null, "errors": [{"message": "no"}]}', True),
        (b"HTTP/1.1 500 Internal Server Error\r\n\r\n", True),
    ],
)
def test_whatever_is_no_plain_success_is_a_refusal(answer: bytes, expected: bool):
    assert is_refusal(answer) is expected


def test_answers_say_the_same_in_any_shape_and_not_when_a_row_is_missing():
    ours = {"node": {"name": "A", "children": {"nodes": [
        {"name": "B", "clients": {"totalCount": {"value": 3}}}]}}}  # fmt: skip
    plain = {"ib": {"name": "A", "children": [{"name": "B", "clientsCount": 3}]}}
    fewer = {"ib": {"name": "A", "children": []}}
    assert Counter(told_by(ours)) == Counter(told_by(plain))
    assert Counter(told_by(ours)) != Counter(told_by(fewer))


def test_pgbench_draws_the_ids_that_there_are():
    brand = new_uuid()
    whole = Stretch(1, 7, 1, 20, 20)
    ids = [id_of(whole, 2, n) for n in range(1, 21)]
    text = limits.script("Q1", Crowd(brand, [], ids, []), 50)
    assert "random(1, 20)" in text
    assert f"|| '{ids[0].hex[12:]}')::uuid" in text
    with pytest.raises(SystemExit, match="numbered from 1"):
        limits.script("M1", Crowd(brand, [], ids[1:], []), 50)


def test_the_picture_draws_every_server_and_every_way_of_growing():
    outcomes = [outcome(BASE), *(outcome(sizes) for sizes in around(BASE))]
    ways = picture.ways(outcomes[0], outcomes[1:])
    assert {title: [size for size, _ in points] for title, points in ways} == {
        "brands": [1, 50, 500],
        "clients": [10_000, 100_000, 200_000, 1_000_000],
        "rows of a page": [10, 50, 100],
    }
    drawn = ElementTree.fromstring(picture.drawn(outcomes[0], outcomes[1:]))
    texts = {one.text for one in drawn.iter("{http://www.w3.org/2000/svg}text")}
    assert {OURS, "A & B"} <= texts


def outcome(sizes: Sizes) -> Outcome:
    figure = Figure(rate=100.0, p50=1.0, p99=2.0, server=0.5, database=0.5, asking=0.03)
    return Outcome(sizes, {(name, one): figure for name in (OURS, "A & B") for one in NAMES}, {})
