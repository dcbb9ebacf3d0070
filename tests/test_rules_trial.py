"""`yakujo rules try`: what a trade comes to by a document, before anybody signs it."""

from pathlib import Path
from typing import Any

import pytest
from trades import message

from canonical.encoding import canonical_bytes
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

    def write(body: str) -> Path:
        path = tmp_path / "rules.toml"
        path.write_text(HEAD + body, encoding="utf-8")
        return path

    return write


def test_try_shows_the_figures_and_the_working():
    """The shipped trade by the shipped rules: 50,000,000 x 10 bp + 6,910,000 x 8 bp = 55,528."""
    done = yakujo("rules", "try", CONF / "rules.toml", CONF / "trade.toml")
    assert done.returncode == 0, done.stdout
    assert "50,000,000 x 0.001 + 6,910,000 x 0.0008" in done.stdout
    found = as_data("rules", "try", CONF / "rules.toml", CONF / "trade.toml")
    [first, second] = found["calculation"]["funds"]
    assert (first["commission"]["amount"], first["net"]["amount"]) == ("55528", "56971080")
    assert second["net"]["amount"] == "28486300"
    assert found["settlement_date"] == "2026-12-03"


def test_try_averages_executions_and_splits_what_was_done(written: Any, tmp_path: Path):
    rules = written(TABLE + "[rules.allocation]\nlot = 100\n")
    trade = tmp_path / "trade.toml"
    trade.write_text(
        """\
side = "sell"
trade_date = 2026-12-01
executions = [{ quantity = 700, price = 1000 }, { quantity = 600, price = 1001 }]
funds = [
    { account = "F1", ordered = 1000 },
    { account = "F2", ordered = 700 },
    { account = "F3", ordered = 300 },
]
"""
    )
    found = as_data("rules", "try", rules, trade)["calculation"]
    assert found["block"]["price"]["value"] == "1000.4615"  # 1,300,600 / 1,300
    assert [(fund["account"]["code"], fund["quantity"]) for fund in found["funds"]] == [
        ("F1", "600"),
        ("F2", "500"),
        ("F3", "200"),
    ]


@pytest.mark.parametrize("kind", ["instruction", "confirmation", "calculation"])
def test_try_takes_a_message(kind: str, written: Any, tmp_path: Path):
    """An allocation, or either side's figures, as a node has them: the worked trade."""
    path = tmp_path / "message.json"
    block = {"block": False} if kind == "confirmation" else {}
    path.write_bytes(canonical_bytes(message({kind: "A1", "funds": ["F1 20000", "F2 10000"], **block})))
    found = as_data("rules", "try", written(TABLE), path)["calculation"]
    assert [fund["net"]["amount"] for fund in found["funds"]] == ["56972601", "28486300"]


def test_try_tells_why_it_cannot(written: Any, tmp_path: Path):
    done = yakujo("rules", "try", written("[rules]\n"), CONF / "trade.toml")
    assert done.returncode == 1
    assert "no commission in common" in done.stdout
    told = as_data("rules", "try", written("[rules]\n"), CONF / "trade.toml")["problems"]
    assert [problem["field"] for problem in told] == ["commission"]
    notice = tmp_path / "notice.json"
    notice.write_bytes(canonical_bytes(message({"notice": "N1"})))
    refused = yakujo("rules", "try", written(TABLE), notice)
    assert (refused.returncode, "no quantities per fund" in refused.stderr) == (2, True)
    notice.write_text("{}")
    assert yakujo("rules", "try", written(TABLE), notice).returncode == 2
    trade = tmp_path / "trade.toml"
    trade.write_text(
        'side = "buy"\ntrade_date = 2026-12-01\nprice = 1\nfunds = [{ account = "F1", ordered = 1 }]\n'
    )
    assert "executions" in yakujo("rules", "try", written(TABLE), trade).stderr


def test_try_leaves_the_rest_to_the_version_that_is_asked(written: Any):
    """5 yen on 20,000 and 10,000 shares: 3.33 and 1.66, of which one yen is left."""
    rules = written('[rules.commission]\nlevel = "block"\ntariffs = [{ bands = [{ flat = 5 }] }]\n')
    by = {}
    for remainder in ("larger_fraction", "larger_order"):
        found = as_data("rules", "try", rules, CONF / "trade.toml", "--remainder", remainder)
        by[remainder] = [fund["commission"]["amount"] for fund in found["calculation"]["funds"]]
    assert by == {"larger_fraction": ["3", "2"], "larger_order": ["4", "1"]}


def test_try_tells_that_the_calendar_ends(written: Any, tmp_path: Path):
    trade = tmp_path / "trade.toml"
    text = (CONF / "trade.toml").read_text(encoding="utf-8")
    trade.write_text(text.replace("trade_date = 2026-12-01", "trade_date = 2026-12-30"), encoding="utf-8")
    found = as_data("rules", "try", written(TABLE), trade)
    assert found["calculation"] is not None
    assert "calendar JPX" in found["problems"][0]["text"]
