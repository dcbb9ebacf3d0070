"""What anybody may know."""

from typing import Literal

from node.inspection import Shown


class Health(Shown):
    """The node is up: it serves its clients."""

    status: Literal["up"] = "up"


HEALTHY = Health()
