"""What keeps the project tidy. Everyone may change a rule in tidy.py, with its reason beside it."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tidy import (
    FILE_LINES,
    FUNCTION_LINES,
    LAYERS,
    LOCK_FILES,
    PACKAGE_RULES,
    RULES,
    Rule,
    Source,
    direction,
    empty_name,
    indeterminate,
    owned_library,
    sideways,
    too_long,
    unexplained,
    words,
)

ROOT = Path(__file__).parent.parent


def project_files() -> list[str]:
    """Tracked files and new ones that are not ignored."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in sorted(set(names)) if (ROOT / name).is_file()]


def sources() -> Iterator[Source]:
    for name in project_files():
        if name.endswith(".py"):
            yield Source(name, (ROOT / name).read_text())


@pytest.mark.parametrize("rule", PACKAGE_RULES + RULES, ids=lambda rule: rule.__name__)
def test_sources(rule: Rule):
    judged = [each for each in sources() if rule in RULES or each.package in LAYERS]
    assert judged
    assert [f"{each.path}: {finding}" for each in judged for finding in rule(each)] == []


def test_words():
    found = {}
    for name in project_files():
        assert Path(name).name not in LOCK_FILES, f"{name}: requirements/ is the only lock"
        found[name] = words((ROOT / name).read_bytes().decode(errors="ignore"))
    assert {name: each for name, each in found.items() if each} == {}


def test_locks_are_plain_and_agree():
    """Whoever installs chooses the index; every file has a hash; both locks pin the same."""
    pins = {}
    for name in ("runtime", "dev"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        assert not re.search(r"^\s*-(?!-hash=sha256:)|://", text, re.MULTILINE)
        entries = [each.split() for each in re.split(r"\n(?=\w)", text) if each[0] != "#"]
        hashes = [{part for part in each if part.startswith("--hash=")} for each in entries]
        assert all(hashes)
        pins[name] = {each[0]: found for each, found in zip(entries, hashes, strict=True)}
    assert pins["runtime"].items() <= pins["dev"].items()


BAD: list[tuple[Rule, str, str]] = [
    (direction, "canonical/a.py", "from adapters import fix"),
    (direction, "adapters/a.py", "import node.ledger"),
    (direction, "canonical/contracts/a.py", "from ... import node"),
    (sideways, "adapters/fix_rules.py", "from adapters.iso20022 import read"),
    (sideways, "adapters/delimited.py", "from . import fix_scan"),
    (owned_library, "adapters/fix_link.py", "import quickfix as fix"),
    (owned_library, "adapters/delimited.py", "from lxml import etree"),
    (indeterminate, "canonical/a.py", "import time"),
    (indeterminate, "canonical/a.py", "from os import environ"),
    (indeterminate, "canonical/a.py", "RATE = 0.1"),
    (indeterminate, "canonical/a.py", "def f(x: float): ..."),
    (indeterminate, "canonical/a.py", "when = datetime.now(UTC)"),
    (indeterminate, "canonical/contracts/a.py", "for x in {1, 2}: pass"),
    (indeterminate, "canonical/contracts/a.py", "seen = set(a)\nb = [x for x in seen]"),
    (indeterminate, "canonical/contracts/a.py", "def f(a: frozenset[str]): return ','.join(a)"),
    (indeterminate, "canonical/contracts/a.py", "HALF = 1 / 2"),
    (indeterminate, "canonical/contracts/a.py", "same = given.upper() == other.upper()"),
    (indeterminate, "canonical/contracts/a.py", "SEEN = {}\ndef f(x): SEEN[x] = 1"),
    (indeterminate, "canonical/contracts/a.py", "SEEN = []\ndef f(x): SEEN.append(x)"),
    (indeterminate, "canonical/contracts/a.py", "def f():\n    global x\n    x = 1"),
    (indeterminate, "canonical/contracts/a.py", "def f(x): return f(x - 1)"),
    (indeterminate, "canonical/contracts/a.py", "class A:\n    def f(self): return self.f()"),
    (indeterminate, "canonical/contracts/a.py", "while True: pass"),
    (indeterminate, "canonical/a.py", "key = hash(name)"),
    (too_long, "node/a.py", "\n" * (FILE_LINES + 1)),
    (too_long, "node/a.py", "def f():\n" + "    x = 1\n" * FUNCTION_LINES),
    (empty_name, "node/string_utils.py", ""),
    (unexplained, "node/a.py", "def f(): ..."),
    (unexplained, "tests/a.py", "x = y  # no" + "qa: F821"),
    (unexplained, "tests/a.py", "x = y  # type: ig" + "nore[misc]"),
]
GOOD: list[tuple[Rule, str, str]] = [
    (direction, "node/a.py", "from adapters import fix\nfrom canonical.message import Kind"),
    (sideways, "adapters/fix_rules.py", "from adapters.fix import read\nfrom adapters import mapping"),
    (owned_library, "adapters/iso20022_read.py", "from lxml import etree"),
    (indeterminate, "canonical/a.py", "from canonical import b\nfrom stdnum import isin"),
    (indeterminate, "canonical/a.py", "RATE = Decimal('0.1')"),
    (indeterminate, "canonical/contracts/a.py", "for x in sorted({1, 2}): pass\ny = {x for x in set(a)}"),
    (
        indeterminate,
        "canonical/contracts/a.py",
        "CODES = {1: 2}\ndef f(x):\n    found = []\n    found.append(CODES[x])",
    ),
    (indeterminate, "canonical/contracts/a.py", "def f(x): return x // 2, x.f()"),
    (too_long, "node/a.py", "\n" * FILE_LINES),
    (unexplained, "node/a.py", "def _f(): ...\nx = y  # no" + "qa: F821 - made by the loader"),
]


@pytest.mark.parametrize(("rule", "path", "text"), BAD)
def test_rule_finds(rule: Rule, path: str, text: str):
    assert list(rule(Source(path, text)))


@pytest.mark.parametrize(("rule", "path", "text"), GOOD)
def test_rule_lets_pass(rule: Rule, path: str, text: str):
    assert list(rule(Source(path, text))) == []


@pytest.mark.parametrize(
    "bad", ["/wo" + "rk/main/x", "see py" + "pi.org", "TO" + "DO: later", "In this ses" + "sion"]
)
def test_words_are_found(bad: str):
    assert words(bad)
