"""What all tests share: how hypothesis searches, and where optional samples lie."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "yakujo",
    deadline=None,  # two shared cores: the clock judges the neighbours, not us
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("yakujo")


@pytest.fixture(scope="session")
def shared_directory() -> Path:
    """Samples and schemas that are no part of the project; scripts/test names them if they lie beside it."""
    named = os.environ.get("YAKUJO_SHARED")
    if not named:
        pytest.skip("set YAKUJO_SHARED to the directory of samples and schemas to run this")
    return Path(named)
