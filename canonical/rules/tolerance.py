"""How unlike two figures may be and yet match: the industry's six tolerance codes (DTCC CTM, level 2)."""

from decimal import Decimal
from enum import StrEnum
from typing import Any, LiteralString

from pydantic import model_validator

from canonical.problems import Rule, violation
from canonical.rules.clause import Clause
from canonical.rules.figures import Deviation, Percent


class Code(StrEnum):
    """The codes. Limits belong to what matches."""

    EXCT = "EXCT"  # equal
    PTOL = "PTOL"  # within a percentage of the larger figure
    PTMX = "PTMX"  # the same, and within an absolute maximum
    MNMX = "MNMX"  # the broker's figure at most so far below or above the investor's
    NUFM = "NUFM"  # not used
    CPOP = "CPOP"  # both sides must give it; whatever they give


class Holder(StrEnum):
    """Whose figure holds where two match within tolerance and are not equal."""

    INVESTOR = "investor"
    BROKER = "broker"
    CALCULATION = "calculation"  # the shared one's


_NEEDED: dict[Code, tuple[str, ...]] = {
    Code.EXCT: (),
    Code.PTOL: ("percent",),
    Code.PTMX: ("percent", "maximum"),
    Code.MNMX: ("below", "above"),
    Code.NUFM: (),
    Code.CPOP: (),
}
_BOUNDS = ("percent", "maximum", "below", "above")


class Tolerance(Clause):
    """What is asked of one field. A document may write the code alone: `quantity = "EXCT"`.

    percent: of the larger of the two magnitudes, so that it does not matter whose is whose. maximum: an
    absolute one, beside the percentage. below, above: how far the broker's figure may lie on either side of
    the investor's. holds: whose figure counts where they are unequal.
    """

    code: Code = Code.EXCT
    percent: Percent | None = None
    maximum: Deviation | None = None
    below: Deviation | None = None
    above: Deviation | None = None
    holds: Holder = Holder.INVESTOR

    @model_validator(mode="before")
    @classmethod
    def _code_alone(cls, value: Any) -> Any:
        return {"code": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _complete(self) -> "Tolerance":
        given = tuple(name for name in _BOUNDS if getattr(self, name) is not None)
        if given != _NEEDED[self.code]:
            text: LiteralString = "{code} takes {needed}, and {given} is given"
            needed = " and ".join(_NEEDED[self.code]) or "no limits"
            raise violation(
                Rule.NOT_ALLOWED, text, code=self.code.value, needed=needed, given=", ".join(given) or "none"
            )
        return self

    @property
    def compares(self) -> bool:
        """Whether unlike figures can part the sides."""
        return self.code not in (Code.NUFM, Code.CPOP)

    @property
    def allows_deviation(self) -> bool:
        """Whether unequal figures can match."""
        return self.code in (Code.PTOL, Code.PTMX, Code.MNMX)


EXACT = Tolerance()
NOT_USED = Tolerance(code=Code.NUFM)


def yen(limit: int) -> Tolerance:
    """So much money more or less, the limit included."""
    return Tolerance(code=Code.MNMX, below=Decimal(limit), above=Decimal(limit))
