"""What clients of the API hear: in order, until they have taken it, whatever becomes of the node."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api_scene import ApiNode, api_node, figures, of_other, speak
from tests.running_node import PATIENCE_SECONDS, until

pytestmark = [pytest.mark.xdist_group("running node"), pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiNode]:
    """C1 of the broker and K1 of the manager part in F1's commission."""
    made = api_node(tmp_path_factory.mktemp("answers") / "node")
    with made.daemon():
        speak(made)
        yield made


def test_answers_come_again_until_they_are_taken(node: ApiNode):
    """In order, with the same ids; what was taken does not come again."""
    client = node.other
    while client.get(f"/v1/answers?after={client.taken}").json["answers"]:
        client.hear(lambda _: True)
    for number in range(3):
        assert client.say(of_other("investor_calculation", f"O{number}")).status == 202
    until(lambda: len(client.get("/v1/answers").json["answers"]) == 3)
    first, again = client.get("/v1/answers").json, client.get("/v1/answers").json
    ids = [answer["id"] for answer in first["answers"]]
    assert (first, len(set(ids))) == (again, 3)
    assert [a["content"]["to"][0]["reference"] for a in first["answers"]] == ["O0", "O1", "O2"]
    assert [a["id"] for a in client.get("/v1/answers?limit=2").json["answers"]] == ids[:2]
    assert [a["id"] for a in client.get(f"/v1/answers?after={ids[1]}").json["answers"]] == ids[2:]
    assert [a["id"] for a in client.get("/v1/answers").json["answers"]] == ids[2:]
    assert client.get(f"/v1/answers?after={ids[2]}").json["answers"] == []
    assert client.get("/v1/answers?after=nothing").status == 404


def test_who_waits_is_told_at_once(node: ApiNode):
    """A long poll ends with the first answer, not with its time."""
    asked: list[Any] = []
    path = f"/v1/answers?wait=60&after={node.broker.taken}"
    while node.broker.get(f"/v1/answers?after={node.broker.taken}").json["answers"]:
        node.broker.hear(lambda _: True)
        path = f"/v1/answers?wait=60&after={node.broker.taken}"
    waiting = threading.Thread(target=lambda: asked.append(node.broker.get(path).json))
    waiting.start()
    time.sleep(0.3)
    assert asked == []
    assert node.broker.say({**figures("confirmation", "C7"), "links": []}).status == 202
    waiting.join(PATIENCE_SECONDS)
    assert asked[0]["answers"][0]["content"]["to"][0]["reference"] == "C7"


def test_copies_of_what_the_other_side_said(node: ApiNode):
    """As it was said, to the client that wants them."""
    copies = [one["content"] for one in node.manager.heard if one["kind"] == "copy"]
    said = figures("confirmation", "C1")
    assert copies[0]["reference"] == "C1"
    assert copies[0]["funds"][0]["net"] == said["funds"][0]["net"]
    assert [one for one in node.broker.heard if one["kind"] == "copy"] == []


def test_a_restart_loses_no_answer_and_ends_who_waits(tmp_path: Path):
    """The daemon stops at once though a client waits; what was not taken comes after the next start."""
    node = api_node(tmp_path / "node")
    asked: list[Any] = []
    with node.daemon() as daemon:
        assert node.broker.say(figures("confirmation", "C1")).status == 202
        until(lambda: len(node.broker.get("/v1/answers").json["answers"]) == 1)
        before = node.broker.get("/v1/answers").json
        until(lambda: node.manager.get("/v1/answers").json["answers"])
        last = node.manager.get("/v1/answers").json["answers"][-1]["id"]
        path = f"/v1/answers?wait=60&after={last}"
        waiting = threading.Thread(target=lambda: asked.append(node.manager.get(path)))
        waiting.start()
        time.sleep(0.5)
        began = time.monotonic()
        daemon.process.terminate()
        assert daemon.process.wait(PATIENCE_SECONDS) == 0
        assert time.monotonic() - began < PATIENCE_SECONDS / 2
        waiting.join(PATIENCE_SECONDS)
        assert (asked[0].status, asked[0].json) == (200, {"answers": []})
    with node.daemon():
        assert node.broker.get("/v1/answers").json == before
        assert node.manager.get("/v1/answers").json == {"answers": []}


def test_too_slow_a_question_is_ended(tmp_path: Path):
    """A question that takes longer than it may is ended; the node goes on."""
    node = api_node(tmp_path / "node", answer_seconds=1e-9)
    with node.daemon():
        reply = node.broker.get("/v1/trades")
        assert reply.status in (200, 503)  # where SQLite is quicker than its first look at the clock
        assert node.broker.say(figures("confirmation", "C1")).status == 202
        assert json.loads(node.broker.get("/v1/health").body) == {"status": "up"}
