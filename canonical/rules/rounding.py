"""Rounding as two sides agree on it: to how many decimals, and which way."""

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from canonical.rules.clause import Clause

DECIMALS_MAX = 10


class Mode(StrEnum):
    """Which way; magnitudes, so that a credit rounds as a debit does, except for floor and ceiling."""

    DOWN = "down"  # truncated, 切り捨て
    UP = "up"  # away from zero, 切り上げ
    HALF_UP = "half_up"  # 四捨五入
    HALF_EVEN = "half_even"
    FLOOR = "floor"
    CEILING = "ceiling"


DECIMAL_MODES: dict[Mode, str] = {
    Mode.DOWN: ROUND_DOWN,
    Mode.UP: ROUND_UP,
    Mode.HALF_UP: ROUND_HALF_UP,
    Mode.HALF_EVEN: ROUND_HALF_EVEN,
    Mode.FLOOR: ROUND_FLOOR,
    Mode.CEILING: ROUND_CEILING,
}
"""What `decimal` calls each."""


class PriceRounding(Clause):
    """How an average price is rounded: at one Japanese manager, half up to 4 decimals."""

    decimals: Annotated[int, Field(ge=0, le=DECIMALS_MAX)] = 4
    mode: Mode = Mode.HALF_UP
