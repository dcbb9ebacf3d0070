"""docs/openapi.json says what the API is."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from adapters.http_access import Access
from adapters.http_limits import HttpLimits
from adapters.http_link import HttpLink, HttpSettings
from adapters.http_server import Listening
from node.api.desk import NodeDesk
from node.api.document import openapi
from node.api.questions import Questions
from node.api.routes import Reading
from node.settings import ExternalLedger, NodeSettings
from node.store import Store
from tests.node.founding import network

DOCS = Path(__file__).parent.parent / "docs"


def test_the_document_is_current():
    """Mend it with `.venv/bin/python scripts/openapi.py`."""
    assert json.loads((DOCS / "openapi.json").read_text(encoding="utf-8")) == openapi()


def test_every_path_is_in_it(tmp_path: Path):
    """What is served is what is published, under the same methods, and open to nobody by mistake."""
    nowhere = ExternalLedger(kind="external", servers=("-",), user="-", password_file=tmp_path)
    settings = NodeSettings(sp="sp1", data_folder=tmp_path, ledger=nowhere)
    with Questions(settings, network(), 1, 1.0) as questions:
        desk = NodeDesk(
            {}, _no_reader, Store(tmp_path / "s"), questions, accepts=bool, changed=asyncio.Event()
        )
        http = HttpSettings(Listening("127.0.0.1", 1), Access(()), HttpLimits(), 1)
        served = HttpLink(http, desk, Reading(questions, {}, {}.get, 1.0).routes()).routes
    found = {(r.method.lower(), re.sub(r":[^}]*", "", r.path)): r.is_open for r in served}
    assert found.pop(("get", "/v1/openapi.json")), "the document itself"
    published = {
        (method, path): operation.get("security") == []
        for path, methods in openapi()["paths"].items()
        for method, operation in methods.items()
    }
    assert found == published
    assert {path for (_, path), is_open in found.items() if is_open} == {"/v1/health"}


def test_every_reference_leads_somewhere():
    document = openapi()
    names = set(document["components"]["schemas"])
    assert {ref.rsplit("/", 1)[1] for ref in references(document)} <= names


def test_the_page_names_every_path():
    """A practitioner finds each in docs/integrators/api.md."""
    page = (DOCS / "integrators" / "api.md").read_text(encoding="utf-8")
    for path in openapi()["paths"]:
        assert path.partition("{")[0] in page, path


def references(tree: Any) -> set[str]:
    if isinstance(tree, dict):
        own = {tree["$ref"]} if "$ref" in tree else set()
        return own.union(*map(references, tree.values()))
    return set().union(*map(references, tree)) if isinstance(tree, list) else set()


def _no_reader() -> Any:
    raise AssertionError("nothing is read here")
