"""The nodes of the scene are simulated too: their parts lie beside the tests of the node."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "node"))
