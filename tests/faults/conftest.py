"""Every test here plays a drill: real daemons and nats-servers, one drill at a time on this machine."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put all of them on one worker, with the time that daemons on a busy machine need."""
    for item in items:
        if "tests/faults/" in item.path.as_posix():
            item.add_marker(pytest.mark.xdist_group("faults"))
            item.add_marker(pytest.mark.timeout(420))
