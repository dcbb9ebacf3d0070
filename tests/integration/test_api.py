"""The API at a node that runs: both sides of a trade speak over it, and each hears what is for it alone.

Every reply that these tests get is held against the OpenAPI document: see ApiClient.ask.
"""

import csv
import io
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from adapters.canonical_json import BYTES_MAX
from tests.api_scene import (
    BROKER,
    MANAGER,
    OTHER,
    RULES,
    ApiClient,
    ApiNode,
    api_node,
    figures,
    of_other,
    speak,
)
from tests.running_node import as_data, until

pytestmark = [pytest.mark.xdist_group("running node"), pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiNode]:
    """C1 of the broker and K1 of the manager part in F1's commission."""
    made = api_node(tmp_path_factory.mktemp("api") / "node", RULES)
    with made.daemon():
        speak(made)
        yield made


def without_nothing(tree: Any) -> Any:
    """What the commands print, without what has no value."""
    if isinstance(tree, dict):
        return {name: without_nothing(value) for name, value in tree.items() if value is not None}
    return [without_nothing(value) for value in tree] if isinstance(tree, list) else tree


def test_a_difference_is_told_with_why_in_both_languages(node: ApiNode):
    answer = next(one for one in node.manager.heard if one["content"].get("status") == "funds_mismatched")
    differing = answer["content"]["funds"][0]["differences"][0]
    shown = node.broker.get("/v1/trades/K1").data
    assert shown.trade.status == "MISM"
    assert [fund.status for fund in shown.funds] == ["MISM", "MACH"]
    difference = shown.funds[0].differences[0]
    assert (difference.field, difference.broker, difference.investor) == ("commission", "56910", "56900")
    assert "as agreed" in difference.explanation
    assert "手数料" in difference.explanation_ja
    assert vars(difference) == differing


def test_both_sides_see_both_sides_figures(node: ApiNode):
    for client in (node.broker, node.manager):
        for name in ("C1", "K1", client.get("/v1/trades/C1").json["trade"]["trade"]):
            shown = client.get(f"/v1/trades/{name}").data
            [theirs], [own] = shown.broker_said, shown.investor_said
            assert [line.values.commission for line in theirs.funds] == ["56910", "28455"]
            assert [line.values.commission for line in own.funds] == ["56900", "28455"]
            assert (theirs.message.reference, own.message.reference) == ("C1", "K1")


def test_trades_are_listed_and_paged(node: ApiNode):
    more = [{**figures("confirmation", f"P/{number}"), "links": []} for number in range(4)]
    for one in more:
        one["terms"] = {**one["terms"], "trade_date": "2026-11-19"}
        assert node.broker.say(one).status == 202
    until(lambda: len(node.broker.get("/v1/trades?trade_date=2026-11-19").json["trades"]) == 4)
    found: list[str] = []
    path = "/v1/trades?limit=2&trade_date=2026-11-19"
    while True:
        page = node.broker.get(path).data
        found += [name for trade in page.trades for name in trade.broker_references]
        if not hasattr(page, "next"):
            break
        path = f"/v1/trades?limit=2&trade_date=2026-11-19&before={page.next}"
    assert found == ["P/3", "P/2", "P/1", "P/0"]
    for name in ("P/2", "P%2F2"):
        assert node.broker.get(f"/v1/trades/{name}").json["trade"]["broker_references"] == ["P/2"]
    differing = node.broker.get("/v1/trades?status=MISM&trade_date=2026-11-20").data.trades
    assert {trade.status for trade in differing} == {"MISM"}
    assert ["C1"] in [trade.broker_references for trade in differing]
    for lei in (MANAGER, OTHER):
        of_one = node.broker.get(f"/v1/trades?counterparty={lei}").data.trades
        assert {trade.investor_lei for trade in of_one} <= {lei}
    wrong = node.broker.get("/v1/trades?status=GONE&limit=0&colour=red")
    assert (wrong.status, {p["field"] for p in wrong.json["problems"]}) == (
        400,
        {"status", "limit", "colour"},
    )


def test_a_stranger_sees_nothing_of_it(node: ApiNode):
    """Another institution's client gets no trade, figure, rule or submission: as if there were none."""
    name = node.broker.get("/v1/trades/C1").json["trade"]["trade"]
    answer = next(one for one in node.manager.heard if one["content"].get("status") == "funds_mismatched")
    source = answer["content"]["to"][0]["raw"]
    assert node.manager.get(f"/v1/submissions/{source}").status == 200
    for path in (f"/v1/trades/{name}", "/v1/trades/C1", f"/v1/rules/{MANAGER}", f"/v1/submissions/{source}"):
        assert node.other.get(path).status == 404, path
    assert {trade["investor_lei"] for trade in node.other.get("/v1/trades").json["trades"]} <= {OTHER}
    assert {of["investor"] for of in node.other.get("/v1/statistics").json["relationships"]} <= {OTHER}
    assert source not in node.other.get("/v1/answers").body.decode()
    assert node.other.get(f"/v1/answers?after={answer['id']}").status == 404


@pytest.mark.parametrize(
    "path",
    ["/v1/answers", "/v1/trades", "/v1/trades/C1", "/v1/statistics", "/v1/scorecards", f"/v1/rules/{BROKER}"],
)
def test_nobody_gets_in_without_a_token(node: ApiNode, path: str):
    for token in ("", "yakujo_wrong", node.broker.token[:-1]):
        assert ApiClient(node.port, token).get(path).status == 401


def test_anybody_may_know_that_it_is_up(node: ApiNode):
    reply = ApiClient(node.port, "").get("/v1/health")
    assert (reply.status, reply.json) == (200, {"status": "up"})


def test_the_shared_calculation_is_asked_for_and_adopted(node: ApiNode):
    """Each fund's commission, tax and net with the working; who adopts it agrees with who says the same."""
    broker, manager = (
        figures("confirmation", "C2"),
        figures("investor_calculation", "K2", commission=1, tax=0),
    )
    for one in (broker, manager):
        one["links"] = [{"kind": "common", "value": "ORDER-2"}]
    assert node.broker.say(broker).status == 202
    assert node.manager.say(manager).status == 202
    node.manager.hear(
        lambda said: said.get("status") == "funds_mismatched" and said["to"][0]["reference"] == "K2"
    )
    ask = {"kind": "calculation_request", "about": "K2", "broker": {"lei": BROKER}}
    assert node.manager.say({**ask, "reference": "Q2"}).status == 202
    told = node.manager.hear_status("calculated")["calculation"]
    assert [fund["net"]["amount"] for fund in told["funds"]] == ["56972601", "28486300"]
    assert [fund["commission"]["amount"] for fund in told["funds"]] == ["56910", "28455"]
    assert any(step["name"] == "commission" and "0.001" in step["of"] for step in told["working"])
    assert node.manager.get("/v1/trades/K2").json["calculation"] == told
    assert node.manager.say({**ask, "reference": "Q3", "adopts": True}).status == 202
    node.manager.hear_status("matched")
    shown = node.broker.get("/v1/trades/K2").data
    assert (shown.trade.status, {fund.status for fund in shown.funds}) == ("MAGR", {"MACH"})


def test_the_brokers_figures_are_affirmed_and_a_change_needs_both(node: ApiNode):
    """After match agreed a cancellation asks the other side, which refuses it, and consents to the next."""
    common = {"links": [{"kind": "common", "value": "ORDER-3"}]}
    told = figures("confirmation", "C3", **common)
    assert node.broker.say(told).status == 202
    allocations = [{"account": f["account"], "quantity": f["quantity"]} for f in told["funds"]]
    split = {name: told[name] for name in ("terms", "block", "broker", "investor", "links")}
    split |= {"kind": "allocation_instruction", "reference": "A3", "allocations": allocations}
    affirm = {"kind": "affirmation", "reference": "F3", "answers": "C3", "affirmed": True}
    assert node.manager.say(split).status == 202
    assert node.manager.say({**affirm, "broker": {"lei": BROKER}}).status == 202
    of_c3 = partial(is_to, "C3")
    node.broker.hear(lambda said: of_c3(said) and said["status"] == "matched")
    for number, agreed in enumerate((False, True)):
        cancel = {
            "kind": "cancellation",
            "reference": f"X{number}",
            "cancels": "C3",
            "investor": {"lei": MANAGER},
        }
        assert node.broker.say(cancel).status == 202
        node.manager.hear_status("cancel_asked")
        assert node.manager.get("/v1/trades/C3").json["change"] == {
            "by": "broker",
            "cancels": True,
            "refused": False,
        }
        consent = {
            "kind": "change_response",
            "reference": f"Y{number}",
            "answers": f"X{number}",
            "agreed": agreed,
        }
        assert node.manager.say({**consent, "broker": {"lei": BROKER}}).status == 202
        node.broker.hear_status("cancelled" if agreed else "cancel_refused")
    shown = node.manager.get("/v1/trades/C3").data
    assert (shown.trade.status, shown.broker_said, shown.funds) == ("CANA", [], [])


def is_to(reference: str, said: Any) -> bool:
    """Whether an answer is to a message of this reference."""
    return reference in [source["reference"] for source in said.get("to", ())]


def test_statistics_are_those_of_the_command(node: ApiNode):
    for client, lei in ((node.broker, BROKER), (node.manager, MANAGER)):
        reply = client.get("/v1/statistics?by=15:00").json
        at = str(reply["position"])
        printed = as_data("stats", node.folder, "--institution", lei, "--by", "15:00", "--at", at)
        assert without_nothing(printed) == reply
        cards = client.get(f"/v1/scorecards?by=15:00&at={at}").json
        assert cards["cards"] == without_nothing(printed["cards"])
    assert node.broker.get("/v1/statistics?at=999999").status == 409
    for unlimited in ("at=" + "9" * 30, "by=15:00Z"):
        assert node.broker.get(f"/v1/statistics?{unlimited}").status == 400


def test_statistics_as_a_sheet(node: ApiNode):
    at = node.broker.get("/v1/trades/C1").json["trade"]["changed"]
    for reply in (
        node.manager.get(f"/v1/statistics?table=relationships&at={at}", Accept="text/csv"),
        node.manager.get(f"/v1/statistics?table=relationships&at={at}&format=csv"),
    ):
        assert reply.headers["content-type"].startswith("text/csv")
        [row] = csv.DictReader(io.StringIO(reply.body.decode()))
        assert (row["broker"], row["trades"], row["mismatched"]) == (BROKER, "1", "1")
    cards = node.manager.get(f"/v1/scorecards?at={at}&format=csv").body.decode()
    assert [card["counterparty"] for card in csv.DictReader(io.StringIO(cards))] == [BROKER]


def test_rules_of_a_relationship(node: ApiNode):
    for client, other in ((node.broker, MANAGER), (node.manager, BROKER)):
        shown = client.get(f"/v1/rules/{other}").data
        assert [version.version for version in shown.versions] == [1]
        assert any("0.1 %" in line.text for line in shown.versions[0].lines), shown.versions[0].lines
        of_day = client.get(f"/v1/rules/{other}?trade_date=2026-11-20").json
        assert of_day == client.get(f"/v1/rules/{other}").json


def test_what_is_wrong_is_told_at_once_and_among_the_answers(node: ApiNode):
    wrong = figures("confirmation", "C9")
    wrong["funds"][0]["account"]["code"] = "F99"
    wrong["terms"]["instrument"] = {"isin": "JP3435000009"}
    reply = node.broker.say(wrong)
    assert (reply.status, reply.headers["content-type"]) == (400, "application/problem+json")
    [problem] = reply.json["problems"]
    assert (problem["field"], problem["value"]) == ("/messages/0/funds/0/account/code", "F99")
    heard = node.broker.hear(lambda said: said.get("to", [{}])[0].get("reference") == "C9")
    assert heard["status"] == "refused"
    assert heard["problems"] == reply.json["problems"]
    kept = node.broker.get(reply.json["instance"]).data
    assert (kept.state, [answer.kind for answer in kept.answers]) == ("answered", ["refusal"])
    assert node.broker.say({"kind": "order"}).json["problems"][0]["rule"] == "unknown_code"
    assert node.broker.ask("POST", "/v1/submissions", b"<xml/>").json["problems"][0]["rule"] == "structure"


def test_nobody_speaks_for_others(node: ApiNode):
    """Nor of two relationships at once: it is refused, and nothing of it goes to the ledger."""
    reply = node.other.say(figures("investor_calculation", "X1"))
    assert (reply.status, reply.json["problems"][0]["rule"]) == (400, "not_allowed")
    both = [figures("confirmation", "X2"), of_other("confirmation", "X3")]
    assert node.broker.say(*both).json["problems"][0]["rule"] == "not_allowed"
    assert node.broker.get("/v1/trades/X2").status == 404


def test_a_key_makes_a_submission_one(node: ApiNode):
    """Sent again with its key it is the same one; another body under it is refused."""
    one = {**figures("confirmation", "C5"), "links": []}
    first = node.broker.say(one, Idempotency_Key="today-5")
    again = node.broker.say(one, Idempotency_Key="today-5")
    assert (first.status, again.status, again.json) == (202, 202, first.json)
    assert node.broker.say({**one, "reference": "C6"}, Idempotency_Key="today-5").status == 409
    assert node.broker.get(first.headers["location"]).json["id"] == first.json["id"]
    heard = node.broker.hear(lambda said: said.get("to", [{}])[0].get("raw") == first.json["id"])
    assert heard["status"] == "received"
    without = node.broker.say(one)
    assert without.status == 202
    node.broker.hear(lambda said: said.get("reason") == "duplicate")


def test_too_much_is_refused(node: ApiNode):
    reply = node.broker.ask("POST", "/v1/submissions", b" " * (BYTES_MAX + 1))
    assert (reply.status, "split it" in reply.json["detail"]) == (413, True)
    assert node.broker.ask("POST", "/v1/submissions", b"{}", Content_Type="text/xml").status == 415


def test_check_and_status_know_it(node: ApiNode):
    """Operators see what is set up, and how many answers each client has yet to take."""
    found = as_data("check", node.folder)
    assert [one for one in found if one["verdict"] != "ok"] == []
    assert any("manager-api" in one["subject"] and "canonical" in one["text"] for one in found)
    assert node.broker.get(f"/v1/answers?after={node.broker.taken}").status == 200
    queues = {queue["client"]: queue for queue in as_data("status", node.folder)["deliveries"]}
    assert queues["broker-api"]["delivered"] > 0


def test_nothing_of_it_is_logged(node: ApiNode):
    logged = (node.folder / "test.log").read_text()
    for word in ("C1", "56910", "F99", node.broker.token, "confirmation"):
        assert word not in logged
