"""Write docs/canonical.schema.json, the layout as a JSON Schema."""

import json
from pathlib import Path

from canonical.schema import layout_schema

PATH = Path(__file__).parent.parent / "docs" / "canonical.schema.json"

if __name__ == "__main__":
    PATH.write_text(json.dumps(layout_schema(), indent=2, ensure_ascii=False) + "\n")
