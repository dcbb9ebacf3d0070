"""docs/integrators/api.md: what it shows is typed into a shell beside a node that runs."""

import json
import re
from pathlib import Path
from shutil import which

import pytest

from adapters.canonical_json import CanonicalJson, submitted
from canonical.identifiers import Party
from canonical.message import CLASSES, NODE_KINDS
from tests.api_scene import BROKER, MANAGER, Serving
from tests.running_node import as_data, free_ports, until
from tests.test_docs import execute, move_ports, shell_of

PAGE = Path(__file__).parent.parent.parent / "docs" / "integrators" / "api.md"

pytestmark = [pytest.mark.xdist_group("running node"), pytest.mark.timeout(180)]


@pytest.mark.skipif(which("curl") is None, reason="curl is not installed, which the page has people type")
def test_what_the_page_shows(tmp_path: Path):
    """A practitioner who types it has a client that says its figures, and is told why the broker's differ."""
    first = free_ports(4)
    making, *typed = (block.replace("8080", str(first + 3)) for block in shell_of(PAGE))
    execute(re.sub("^yakujo (check|run) trial$", "", making, flags=re.MULTILINE), tmp_path)
    trial = tmp_path / "trial"
    move_ports(trial, first)
    execute("yakujo check trial", tmp_path)
    shown = []
    with Serving(trial, port=first + 3):
        for block in typed:
            shown.append(execute(block, tmp_path))
            until(lambda: is_at_rest(trial))
    said, heard, _, trade, asked = shown
    assert json.loads(heard)["answers"][0]["content"]["to"][0]["raw"] == json.loads(said)["id"]
    difference = json.loads(trade)["funds"][0]["differences"][0]
    assert (difference["field"], difference["broker"], difference["investor"]) == (
        "commission",
        "56910",
        "56900",
    )
    assert '"status":"MISM"' in asked
    assert "trade_date,trades," in asked
    assert '"versions":[{"version":1' in asked


def is_at_rest(node: Path) -> bool:
    """Whether what was sent has been read, ordered and released."""
    status = as_data("status", node)
    waiting = (status["outbox"], status["in_flight"], status["arrivals"].get("stored", 0))
    dropped = list((node / "exchange" / "broker-files" / "in").iterdir())
    return waiting == (0, False, 0) and not dropped and status["results"].get("open", 0) == 0


def test_every_kind_of_message_has_an_example():
    """And each example is sound, with its author's own side left out."""
    texts = re.findall(r"^```json\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    texts += re.findall(r"<<'END'\n(\{.*?)^END$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    kinds = set()
    for text in texts:
        role, lei = ("investor", MANAGER) if '"broker":' in text else ("broker", BROKER)
        [decoded] = CanonicalJson().decode(text.encode())
        messages, problems, _ = submitted(str(decoded.fields["json"]), role, Party(lei=lei))
        assert problems == ()
        kinds |= {message.kind for message in messages}
        assert all(CLASSES[message.kind].author in (None, role) for message in messages)
    assert kinds | {"confirmation"} == set(CLASSES) - set(NODE_KINDS)
