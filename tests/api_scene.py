"""A trial node with the API, and clients of it: a broker and an asset manager, who speak over HTTP alone."""

import http.client
import json
import re
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tomli_w

from node.api.document import openapi
from node.clients import shared_folder
from tests.json_schema import faults
from tests.running_node import PATIENCE_SECONDS, Daemon, free_ports, yakujo

BROKER, MANAGER = "YAKUJOTRIALBROKER023", "YAKUJOTRIALFUNDS0017"
OTHER = "YAKUJOTRIALOTHERS088"  # another asset manager, of the same service provider
RULES = {
    "gross": "down",
    "commission": {"level": "fund", "rounding": "down", "tariffs": [{"bands": [{"rate": Decimal("0.001")}]}]},
    "consumption_tax": {"rounding": "down"},
}


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        """The same, its members as attributes."""
        return json.loads(self.body, object_hook=lambda members: SimpleNamespace(**members))


@dataclass
class ApiClient:
    """One client of the API. taken: the id of the last answer that it took. heard: all answers, in order."""

    port: int
    token: str
    taken: str = ""
    heard: list[Any] = field(default_factory=list)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            if self.token:
                given.setdefault("Authorization", f"Bearer {self.token}")
            if body is not None:
                given.setdefault("Content-Type", "application/json")
            connection.request(method, path, body, given)
            reply = connection.getresponse()
            found = Reply(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())
            assert_as_published(method, path, found)
            return found
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        """Ask for something."""
        return self.ask("GET", path, **headers)

    def say(self, *messages: dict[str, Any], **headers: str) -> Reply:
        """Post one submission."""
        return self.ask("POST", "/v1/submissions", json.dumps({"messages": messages}).encode(), **headers)

    def hear(self, wanted: Callable[[Any], object], seconds: float = PATIENCE_SECONDS) -> Any:
        """The first answer that is wanted, of those not taken yet; all up to it are taken."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for answer in self.get(f"/v1/answers?wait=2&limit=10&after={self.taken}").json["answers"]:
                self.taken = answer["id"]
                self.heard.append(answer)
                if wanted(answer["content"]):
                    return answer["content"]
        raise AssertionError(f"not heard: {[(a['id'], a['content'].get('status')) for a in self.heard]}")

    def hear_status(self, status: str) -> Any:
        """The first answer with this status."""
        return self.hear(lambda content: content.get("status") == status)


def assert_as_published(method: str, path: str, reply: Reply) -> None:
    """Fail where a reply is not as the OpenAPI document has it."""
    document = openapi()
    path = path.partition("?")[0]
    known = (p for p in document["paths"] if re.fullmatch(p.replace("{name}", ".+"), path))
    found = document["paths"].get(path) or next((document["paths"][p] for p in known), None)
    if found is None:  # what is not there, and the document itself
        return
    content = found[method.lower()]["responses"][str(reply.status)]["content"]
    schema = content[reply.headers["content-type"].partition(";")[0]]["schema"]
    if reply.headers["content-type"].startswith("text/"):
        return
    assert faults(document["components"]["schemas"], schema, reply.json) == [], f"{method} {path}"


@dataclass
class ApiNode:
    """A node with the API, and its clients."""

    folder: Path
    port: int
    broker: ApiClient
    manager: ApiClient
    other: ApiClient

    def daemon(self) -> "Serving":
        """Its daemon, for use with `with`."""
        return Serving(self.folder, port=self.port)


@dataclass
class Serving(Daemon):
    """A daemon that runs once its API is up as well."""

    port: int = 0

    def wait_until_it_runs(self) -> None:
        """Return when the API is up."""
        super().wait_until_it_runs()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                assert ApiClient(self.port, "").get("/v1/health").status == 200
            except OSError:
                assert time.monotonic() < deadline, self.logged()
                time.sleep(0.05)
            else:
                return


def api_node(folder: Path, rules: dict[str, Any] | None = None, **api: Any) -> ApiNode:
    """Make the node's folder. rules: of the one relationship. api: what [api] has beside its port."""
    conf = shared_folder("conf")
    plan = tomllib.loads((conf / "plan.toml").read_text(encoding="utf-8"), parse_float=Decimal)
    if rules is not None:
        plan["relationships"][0]["rules"] = rules
    _enrol_another(plan)
    own = folder.parent / f"{folder.name}-conf"
    own.mkdir(parents=True)
    for path in conf.iterdir():
        if path.name != "plan.toml":
            (own / path.name).symlink_to(path)
    (own / "plan.toml").write_bytes(tomli_w.dumps(plan).encode())
    first = free_ports(4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("node.trial.shared_folder", lambda name: own if name == "conf" else shared_folder(name))
        made = yakujo("init", folder, "--port", str(first))
    assert made.returncode == 0, made.stderr
    for path in (folder / "clients").iterdir():
        path.unlink()
    with (folder / "node.toml").open("a") as settings:
        settings.write("\n" + tomli_w.dumps({"api": {"port": first + 3, **api}}))
    broker = _client(folder, "broker-api", BROKER, {})
    manager = _client(folder, "manager-api", MANAGER, {"confirmation": "canonical"})
    other = _client(folder, "other-api", OTHER, {})
    clients = [ApiClient(first + 3, token) for token in (broker, manager, other)]
    return ApiNode(folder, first + 3, *clients)


def _enrol_another(plan: dict[str, Any]) -> None:
    """Add another manager, with funds of its own, that trades with the same broker."""
    plan["institutions"].append({"lei": OTHER, "name": "Other Asset Management", "role": "investor"})
    plan["relationships"].append({"broker": BROKER, "investor": OTHER})
    accounts = [{"code": code, "scheme": "proprietary"} for code in ("GF1", "GF2")]
    plan["funds"] += [{"investor": OTHER, "account": account} for account in accounts]


def _client(folder: Path, name: str, lei: str, copies: dict[str, str]) -> str:
    """Write a client's file; its token."""
    path = folder / "clients" / f"{name}.toml"
    made = yakujo("keys", "api", folder / f"{name}.token")
    assert made.returncode == 0, made.stderr
    settings = {"name": name, "institution": lei, "format": "canonical", "copies": copies}
    path.write_text(tomli_w.dumps({**settings, "link": {"kind": "http"}}) + made.stdout)
    return (folder / f"{name}.token").read_text()


def terms(**changed: Any) -> dict[str, Any]:
    """What both sides say of the trade."""
    return {
        "side": "buy",
        "instrument": {"isin": "JP3633400001"},
        "trade_date": "2026-11-20",
        "settlement_date": "2026-11-25",
        **changed,
    }


BLOCK = {"quantity": "30000", "price": {"value": "2845.5", "currency": "JPY"}}


def yen(amount: int) -> dict[str, str]:
    return {"amount": str(amount), "currency": "JPY"}


def fund(account: str, quantity: int, commission: int, tax: int) -> dict[str, Any]:
    """One fund's figures."""
    gross = quantity * 28455 // 10
    return {
        "account": {"code": account, "scheme": "proprietary"},
        "quantity": str(quantity),
        "price": BLOCK["price"],
        "gross": yen(gross),
        "commission": yen(commission),
        "consumption_tax": yen(tax),
        "net": yen(gross + commission + tax),
    }


def figures(
    kind: str, reference: str, *, commission: int = 56910, tax: int = 5691, **more: Any
) -> dict[str, Any]:
    """A confirmation or the investor's calculation. commission, tax: of F1."""
    parties = {"broker": {"lei": BROKER}, "investor": {"lei": MANAGER}}
    funds = [fund("F1", 20000, commission, tax), fund("F2", 10000, 28455, 2845)]
    common = {"kind": "common", "value": "ORDER-7203-1"}
    return {
        "kind": kind,
        "reference": reference,
        **parties,
        "links": [common],
        "terms": terms(),
        "block": BLOCK,
        "funds": funds,
        **more,
    }


def of_other(kind: str, reference: str) -> dict[str, Any]:
    """Figures of a trade with the other manager, and of its funds."""
    told = figures(kind, reference, investor={"lei": OTHER}, links=[])
    for fund in told["funds"]:
        fund["account"] = {"code": f"G{fund['account']['code']}", "scheme": "proprietary"}
    return told


def speak(node: ApiNode) -> None:
    """Have both sides speak of one trade, C1 and K1, and part in the commission of F1."""
    assert node.broker.say(figures("confirmation", "C1")).status == 202
    node.broker.hear_status("received")
    wrong = figures("investor_calculation", "K1", commission=56900, tax=5690)
    assert node.manager.say(wrong).status == 202
    node.manager.hear_status("funds_mismatched")
