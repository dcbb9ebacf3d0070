"""Record tests/golden/ledger anew: entries of a market in memory, and what each contract decides on them.

Only for a version that no network uses yet: for all others what stands there must never change.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "tests" / "golden" / "ledger"
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "simulation"), str(FOLDER)]

from replay import ENTRIES, decisions  # noqa: E402 - after the paths
from test_contract_simulation import market  # noqa: E402 - after the paths

from canonical.contracts import CONTRACTS  # noqa: E402 - after the paths
from canonical.encoding import canonical_bytes  # noqa: E402 - after the paths

ENTRIES.write_bytes(b"".join(canonical_bytes(entry) + b"\n" for entry in market(7)))
for name in CONTRACTS:
    (FOLDER / f"{name.replace('/', '-')}.txt").write_text("\n".join(decisions(name)) + "\n")
