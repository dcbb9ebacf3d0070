"""How long something has been so, without a break."""


class Lasting:
    """Told again and again what is so, it says since when it has been the same."""

    def __init__(self) -> None:
        self._what: object = None
        self._since = 0.0

    def seconds(self, what: object, now: float) -> float:
        """For how long `what` has been told by now; 0.0 for None, which says that nothing is the matter.

        now: in seconds, of a clock that only goes forward.
        """
        if what != self._what:
            self._what, self._since = what, now
        return 0.0 if what is None else now - self._since

    def end(self) -> None:
        """Whatever it was, it counts from now on anew."""
        self._what = None
