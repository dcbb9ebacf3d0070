"""`yakujo rules`: what a document says, what is wrong with it, what changes, what a trade comes to."""

import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from canonical.encoding import canonical_bytes
from canonical.rules import Rules
from node.network import read_network
from node.rules_document import load_rules
from node.setup import write_toml
from tests.node.founding import SERVED, founded
from tests.running_node import as_data, yakujo

CONF = Path(__file__).parent.parent / "conf"
HEAD = """\
broker = "YAKUJOTRIALBROKER023"
investor = "YAKUJOTRIALFUNDS0017"
version = 2
from_trade_date = 2026-12-01
"""
TABLE = "[rules.commission]\ntariffs = [{ bands = [{ rate = 0.0010 }] }]\n"


@pytest.fixture
def written(tmp_path: Path) -> Any:
    """A function that writes a document with a body and gives its path."""

    def write(body: str, name: str = "rules.toml", head: str = HEAD) -> Path:
        path = tmp_path / name
        path.write_text(head + body, encoding="utf-8")
        return path

    return write


def findings(path: Path, verdict: str) -> dict[str, str]:
    """What `check` finds, by place; several findings at one place together."""
    found: dict[str, str] = {}
    for one in as_data("rules", "check", path):
        if one["verdict"] == verdict:
            found[one["subject"]] = found.get(one["subject"], "") + one["text"] + "\n"
    return found


def test_the_example_is_well():
    """conf/rules.toml can be signed as it stands: no error, nothing odd."""
    done = yakujo("rules", "check", CONF / "rules.toml")
    assert done.returncode == 0, done.stdout
    assert [f["verdict"] for f in as_data("rules", "check", CONF / "rules.toml")] == ["ok"]


def test_what_the_example_leaves_as_comments_may_be_written_in():
    text = (CONF / "rules.toml").read_text(encoding="utf-8")
    opened = re.sub(r"^# (?=\w+ = |\[\[)", "", text, flags=re.MULTILINE)
    rules = Rules.model_validate(tomllib.loads(opened, parse_float=Decimal)["rules"])
    assert rules.commission is not None
    assert "spread" in rules.commission.model_fields_set
    assert rules.fees
    assert rules.provisional_after_seconds == 3600


def test_a_plan_takes_the_same_body(tmp_path: Path):
    """A body founds a relationship as it stands in a document, and the network file keeps it exactly."""
    document = load_rules(CONF / "rules.toml")
    body = tomllib.loads((CONF / "rules.toml").read_text(encoding="utf-8"), parse_float=Decimal)["rules"]
    network = founded(SERVED, **body)
    assert all(rules == document.rules for rules in network.rules.values())
    write_toml(tmp_path / "network.toml", network)
    again = read_network(tmp_path / "network.toml")
    assert {canonical_bytes(rules) for rules in again.rules.values()} == {canonical_bytes(document.rules)}


WRONG = {
    "gross = 'dwn'": ("rules.gross", "none of 'down', 'up'"),
    "grosss = 'down'": ("rules.grosss", "do you mean gross?"),
    "[rules.comission]": ("rules.comission", "do you mean commission?"),
    "[rules.commission]": ("rules.commission.tariffs", "it is missing: add it"),
    "[rules.commission]\ntariffs = []": ("rules.commission.tariffs", "at least 1"),
    "[rules.commission]\ntariffs = [{ bands = [{ rate = 'ten' }] }]": (
        "rules.commission.tariffs[1].bands[1].rate",
        '"ten" is no number',
    ),
    "[rules.commission]\ntariffs = [{ bands = [{ rate = 10 }] }]": (
        "rules.commission.tariffs[1].bands[1].rate",
        "a rate is a part of one",
    ),
    "[rules.commission]\ntariffs = [{ bands = [{ above = 5, rate = 0.1 }] }]": (
        "rules.commission.tariffs[1]",
        "bands begin above 0",
    ),
    "[rules.commission]\ntariffs = [{ minimum = 5, maximum = 4, bands = [{}] }]": (
        "rules.commission.tariffs[1]",
        "the minimum is more than the maximum",
    ),
    "[rules.commission]\ntariffs = [{ bands = [{ rat = 0.1 }] }]": (
        "rules.commission.tariffs[1].bands[1].rat",
        "do you mean rate?",
    ),
    "[rules.compare.fund]\nnet = 'MNMX'": ("rules.compare.fund.net", "MNMX takes below and above"),
    "[rules.compare.fund]\nside = { code = 'PTOL', percent = 1 }": (
        "rules.compare.fund",
        "side is no figure",
    ),
    "[rules.deadlines]\nremind_at = [16:00:00, 15:00:00]": ("rules.deadlines", "times rise"),
    '[rules.deadlines]\nremind_at = ["15:00:00", "16:00:00Z"]': ("rules.deadlines", "without a zone"),
    "[rules.settlement]\ndays = 2.5": ("rules.settlement.days", "number"),
    "[rules.agreeing]\nauto_affirm = 'yes please'": ("rules.agreeing.auto_affirm", "neither true nor false"),
    "[rules]\nfees = 3": ("rules.fees", "list"),
    "[rules]\nsettlement = 3": ("rules.settlement", "table"),
    "[rules.consumption_tax]\nrates = []": ("rules.consumption_tax.rates", "at least 1"),
}


@pytest.mark.parametrize("body", WRONG)
def test_what_is_wrong_is_told_with_its_place(body: str, written: Any):
    """In words, at the place that a reader counts from 1, and with exit code 1."""
    place, words = WRONG[body]
    path = written(body if body.startswith("[") else f"[rules]\n{body}\n")
    assert yakujo("rules", "check", path).returncode == 1
    assert words in findings(path, "error")[place]


def test_all_that_is_wrong_is_told_at_once(written: Any):
    head = HEAD.replace("YAKUJOTRIALBROKER023", "YAKUJOTRIALBROKER024").replace("version = 2", "version = 0")
    errors = findings(written("[rules]\ngross = 1\n", head=head), "error")
    assert {"broker", "version", "rules.gross"} <= set(errors)
    assert "check digit" in errors["broker"]


@pytest.mark.parametrize("text", ["rules = [", "\ud800", "x = 1"])
def test_what_is_no_document_is_refused_in_one_sentence(text: str, tmp_path: Path):
    path = tmp_path / "rules.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    for command in (("show", path), ("diff", path, path), ("try", path, path)):
        done = yakujo("rules", *command)
        assert done.returncode == 2
        assert str(path) in done.stderr
    assert yakujo("rules", "check", path).returncode == 1
    assert yakujo("rules", "show", tmp_path / "none.toml").returncode == 2


def test_one_institution_has_no_rules_with_itself(written: Any):
    head = HEAD.replace("YAKUJOTRIALFUNDS0017", "YAKUJOTRIALBROKER023")
    assert "two sides" in findings(written("[rules]\n", head=head), "error")["the document"]


ODD = {
    "[rules.compare.block]\nquantity = { code = 'MNMX', below = 1, above = 1 }": (
        "rules.compare.block.quantity",
        "shares that nobody delivers",
    ),
    "[rules.compare.fund]\nnet = { code = 'PTOL', percent = 10 }": ("rules.compare.fund.net", "10 percent"),
    "[rules.compare.fund]\nnet = { code = 'MNMX', below = 0, above = 0 }": ("rules.compare.fund.net", "EXCT"),
    "[rules.compare.fund]\ngross = { code = 'MNMX', below = 1, above = 1 }": (
        "rules.compare.fund.gross",
        "compare.total.gross",
    ),
    "[rules.compare.fund]\nnet = { code = 'MNMX', below = 1, above = 1, holds = 'calculation' }": (
        "rules.compare.fund.net",
        "no commission is agreed",
    ),
    "[rules.compare.block]\nprice = { code = 'PTOL', percent = 0.01, holds = 'calculation' }": (
        "rules.compare.block.price",
        "no price is calculated",
    ),
    "[rules.compare]\nfund.net = { code = 'PTOL', percent = 0.1 }\n"
    "total.net = { code = 'PTOL', percent = 0.1, holds = 'broker' }": (
        "rules.compare.total.net",
        "of their sum the broker's",
    ),
    "[rules.agreeing]\nauto_affirm = true": ("rules.agreeing.auto_affirm", "no commission is agreed"),
    "[rules.agreeing]\nresolve = 'propose'": ("rules.agreeing.resolve", "no commission is agreed"),
    "[rules.commission]\ntariffs = [{ bands = [{ rate = 0.001 }, { above = 5000, rate = 0.0005 }] }]": (
        "rules.commission.tariffs[1].bands[2]",
        "no end",
    ),
    "[rules.commission]\ntariffs = [{ bands = [{ rate = 0.001 }, { above = 5000, flat = 1 }] }]": (
        "rules.commission.tariffs[1].bands[2]",
        "falls from 5 to 1",
    ),
    "[rules.commission]\ntariffs = [{ bands = [{ rate = 0.1 }] }]": (
        "rules.commission.tariffs[1].bands[1].rate",
        "10 % (1000 bp)",
    ),
    "[rules.commission]\ntariffs = [{ minimum = 0.5, bands = [{}] }]": (
        "rules.commission.tariffs[1].minimum",
        "yen have none",
    ),
    "[rules.commission]\ntariffs = [{ bands = [{}] }, { venue = 'XTKS', bands = [{}] }]": (
        "rules.commission.tariffs[2]",
        "no order comes so far",
    ),
    "[rules.commission]\ntariffs = [{ venue = 'XTKS', bands = [{}] }]": (
        "rules.commission.tariffs",
        "fits none of the tariffs",
    ),
    "[rules.commission]\nspread = { by = 'gross' }\ntariffs = [{ bands = [{}] }]": (
        "rules.commission.spread",
        "no effect",
    ),
    "[rules.consumption_tax]\nrates = [{ since = 2027-01-01, rate = 0.12 }]": (
        "rules.consumption_tax.rates",
        "no rate holds from 2026-12-01 to 2027-01-01",
    ),
    "[rules.consumption_tax]\nrates = [{ since = 2019-10-01, rate = 0.5 }]": (
        "rules.consumption_tax.rates[1].rate",
        "50 %",
    ),
    "[[rules.fees]]\nkind = 'stamp'": ("rules.fees[1]", "nothing is charged"),
}


@pytest.mark.parametrize("body", ODD)
def test_what_is_odd_is_told_and_no_error(body: str, written: Any):
    place, words = ODD[body]
    path = written(body)
    assert yakujo("rules", "check", path).returncode == 0
    assert words in findings(path, "warning")[place]


def test_show_tells_what_is_left_out(written: Any):
    """Whoever signs a document signs its defaults too."""
    path = written("[rules.settlement]\ndays = 1\n")
    told = {rule["place"]: rule for rule in as_data("rules", "show", path)["rules"]}
    assert told["settlement"] == {
        "place": "settlement",
        "text": "1 business days after the trade, by calendar JPX",
        "stated": True,
    }
    assert (told["gross"]["stated"], told["commission"]["stated"]) == (False, False)
    assert "nothing can be calculated" in told["commission"]["text"]
    shown = yakujo("rules", "show", path).stdout
    assert "by default" in shown
    assert "compare.fund: side, instrument" in shown
    assert as_data("rules", "show", path)["document"]["rules"]["settlement"]["days"] == 1


def test_diff_names_each_change_in_words(written: Any):
    """A stated default is no change; what has no effect is one all the same."""
    old = written("[rules]\ngross = 'down'\n" + TABLE, "old.toml")
    new = written(
        "[rules]\n" + TABLE.replace("0.0010", "0.0008") + "level = 'fund'\nspread = { by = 'quantity' }\n",
        "new.toml",
        HEAD.replace("version = 2", "version = 3"),
    )
    assert yakujo("rules", "diff", old, new).returncode == 1
    assert {d["place"]: (d["before"], d["after"]) for d in as_data("rules", "diff", old, new)} == {
        "version": ("2", "3"),
        "rules.commission.tariffs[1]": (
            "orders of any format anywhere: 0.1 % (10 bp)",
            "orders of any format anywhere: 0.08 % (8 bp)",
        ),
        "rules.commission.spread.by": ("gross", "quantity"),
    }
    assert "8 bp" in yakujo("rules", "diff", old, new).stdout
    same = yakujo("rules", "diff", old, written("[rules]\n" + TABLE, "same.toml"))
    assert (same.returncode, same.stdout.strip()) == (0, "no differences")
