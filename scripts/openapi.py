"""Write docs/openapi.json, the API as an OpenAPI document."""

from pathlib import Path

from node.api.document import openapi_bytes

PATH = Path(__file__).parent.parent / "docs" / "openapi.json"

if __name__ == "__main__":
    PATH.write_bytes(openapi_bytes())
