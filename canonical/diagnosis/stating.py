"""What each side says and nobody computes with: side, security, market, dates, funds, quantities, prices."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from functools import cache, partial

from canonical.amounts import total
from canonical.calculation.arithmetic import EXACT
from canonical.diagnosis.cause import CLOSED_NAMED_MAX, Cause, Kind
from canonical.diagnosis.differing import Differing, Pair
from canonical.diagnosis.gross import executed
from canonical.diagnosis.price import price_agreed, price_conventions, written_otherwise
from canonical.diagnosis.quantity import quantity_agreed, quantity_conventions
from canonical.diagnosis.search import Made, simplest
from canonical.diagnosis.settling import counts_holidays, settling_agreed, settling_conventions
from canonical.diagnosis.sides import FundSides, Sides, Stated
from canonical.diagnosis.telling import BLOCK, Agreed, Parted, Reason, causes_of
from canonical.rules.tolerance import Tolerance

STATED = ("side", "instrument", "venue", "order_format", "currency", "trade_date")
EVERYONE: tuple[Agreed, Agreed] = (lambda _: "", lambda _: "")
"""Where no convention is named, none is agreed."""

Stateds = tuple[Stated, Stated]


class Stating:
    """The fields that are said. funds: those that are looked at. stated: the broker's side first."""

    def __init__(
        self, sides: Sides, funds: Sequence[FundSides], stated: Stateds, differing: Differing
    ) -> None:
        self._sides = sides
        self._funds = funds
        self._stated = stated
        self._accounts = [fund.account for fund in funds]
        self._differing = differing

    def causes(self) -> Iterator[Cause]:
        """All of them, in the order in which a trade comes about."""
        for field in STATED:
            if self._compares(field):
                yield from self._told(field)
        yield from self._settlement()
        yield from self._missing()
        yield from self._quantities()
        yield from self._prices()

    def _compares(self, field: str) -> bool:
        """Whether unlike values matter to the two sides."""
        compare = self._sides.rules.compare
        levels = (compare.block, compare.fund)
        tolerances: list[Tolerance] = [getattr(level, field) for level in levels if hasattr(level, field)]
        return any(tolerance.compares for tolerance in tolerances)

    def _told(self, field: str) -> list[Cause]:
        """A field for which no convention is looked for: one cause for each pair of values."""
        groups: dict[Pair, list[Parted]] = {}
        for place, pair in self.parted(field):
            groups.setdefault(pair, []).append(Parted(place, *pair, Reason(Kind.STATED)))
        return [
            cause
            for parted in groups.values()
            for cause in causes_of(field, parted, self._accounts, EVERYONE)
        ]

    def parted(self, field: str) -> list[tuple[int, Pair]]:
        """Where a field differs: the block first, then the funds, with both values."""
        return self._differing.get(field, [])

    def _settlement(self) -> list[Cause]:
        rules = self._sides.rules.settlement
        if not self._compares("settlement_date"):
            return []

        @cache
        def reason(pair: Pair) -> Reason:
            made: list[tuple[Made, ...]] = []
            for stated, settles in zip(self._stated, pair, strict=True):
                traded = stated.trade_date
                day = date.fromisoformat(settles)
                found = settling_conventions(traded, day, rules, self._sides.calendar) if traded else None
                if found is None:
                    return Reason(Kind.NOT_COMPUTED)
                made.append(found)
            follows = ("trade_date",) if self._stated[0].trade_date != self._stated[1].trade_date else ()
            return explained(made[0], made[1], follows)

        parted = [Parted(place, *pair, reason(pair)) for place, pair in self.parted("settlement_date")]
        agreed = partial(settling_agreed, agreed=rules)
        found = causes_of("settlement_date", _by_figures(parted), self._accounts, (agreed, agreed))
        return [self._with_holidays(cause) for cause in found]

    def _with_holidays(self, cause: Cause) -> Cause:
        """With the holidays that a side takes for business days, where that is what it does."""
        calendar = self._sides.calendar
        for stated, view in zip(self._stated, (cause.broker, cause.investor), strict=True):
            if calendar is not None and stated.trade_date is not None and counts_holidays(view):
                days = calendar.closed_between(stated.trade_date, date.fromisoformat(view.figure))
                return cause.model_copy(update={"closed": days[:CLOSED_NAMED_MAX]})
        return cause

    def _missing(self) -> list[Cause]:
        """Funds that one side does not name although it has named its whole block."""
        full = [_is_full(stated) for stated in self._stated]
        told = Reason(Kind.STATED)
        by_investor = [
            Parted(place, "", fund.account, told)
            for place, fund in enumerate(self._funds)
            if fund.broker is None and full[0]
        ]
        by_broker = [
            Parted(place, fund.account, "", told)
            for place, fund in enumerate(self._funds)
            if fund.investor is None and full[1]
        ]
        both = sorted((by_investor, by_broker), key=lambda parted: [each.place for each in parted])
        return [cause for parted in both for cause in causes_of("account", parted, self._accounts, EVERYONE)]

    def _quantities(self) -> list[Cause]:
        found = [(place, pair) for place, pair in self.parted("quantity")]
        whole = {pair for place, pair in found if place == BLOCK}
        lot = self._sides.rules.allocation.lot
        everywhere = bool(whole) or len(found) == len(self._funds) > 1
        crossed = exchanged(found)
        ratios = {EXACT.divide(Decimal(one), Decimal(other)) for _, (one, other) in found}
        parted = []
        for place, pair in found:
            together = place == BLOCK or (everywhere and len(ratios) == 1)
            known = quantity_conventions(Decimal(pair[0]), Decimal(pair[1]), lot, whole=together)
            reason = explained(*known) if known is not None else Reason(Kind.UNEXPLAINED)
            parted.append(Parted(place, *pair, Reason(Kind.EXCHANGED) if place in crossed else reason))
        return causes_of("quantity", parted, self._accounts, (quantity_agreed, quantity_agreed))

    def _prices(self) -> list[Cause]:
        rules = self._sides.rules.average_price
        known: dict[tuple[Pair, bool], Reason] = {}
        parted = []
        for place, pair in self.parted("price"):
            key = pair, self._is_executed(place)
            if key not in known:
                one, other = Decimal(pair[0]), Decimal(pair[1])
                found = (
                    written_otherwise(one, other)
                    if key[1]
                    else price_conventions(one, other, rules, self._exact_prices(place))
                )
                known[key] = explained(*found) if found is not None else Reason(Kind.UNEXPLAINED)
            parted.append(Parted(place, *pair, known[key]))
        agreed = partial(price_agreed, agreed=rules)
        return causes_of(
            "price", _by_figures(parted), self._accounts, (agreed, agreed), currency=self._stated[0].currency
        )

    def _is_executed(self, place: int) -> bool:
        """Whether a fund has, on both sides, another price than its block, so none that was averaged."""
        if place == BLOCK:
            return False
        prices = [(stated.funds[place], stated.block) for stated in self._stated]
        return all(
            fund is not None and block is not None and fund.price != block.price for fund, block in prices
        )

    def _exact_prices(self, place: int) -> list[Decimal]:
        """What the average may have been before it was rounded, in an order that no side decides."""
        if self._sides.executions:
            return [EXACT.divide(*executed(self._sides.executions))]
        figures = [stated.block if place == BLOCK else stated.funds[place] for stated in self._stated]
        found = [
            EXACT.divide(each.gross, each.quantity)
            for each in figures
            if each is not None and each.gross is not None and each.quantity
        ]
        return sorted(found)


def _by_figures(parted: Sequence[Parted]) -> list[Parted]:
    """Block and funds that part by the same two values stand together; other funds' values do not hide."""
    order = {(each.broker, each.investor): place for place, each in reversed(list(enumerate(parted)))}
    return sorted(parted, key=lambda each: order[each.broker, each.investor])


def _is_full(stated: Stated) -> bool:
    """Whether a side names as much in funds as it has in its block."""
    quantities = [fund.quantity for fund in stated.funds if fund is not None and fund.quantity is not None]
    block = stated.block.quantity if stated.block is not None else None
    return block is not None and total(quantities) >= block


def explained(broker: tuple[Made, ...], investor: tuple[Made, ...], follows: tuple[str, ...] = ()) -> Reason:
    """What the conventions of both sides say together. follows: what differs before, among their inputs."""
    both = [made for made in broker if made in investor]
    if both and follows:
        made = simplest(both)
        return Reason(Kind.FOLLOWS, (made,), (made,), follows)
    kind = Kind.EXPLAINED if broker and investor else Kind.UNEXPLAINED
    return Reason(kind, broker, investor)


def exchanged(parted: Sequence[tuple[int, Pair]]) -> dict[int, int]:
    """The funds of which each has the other's value, by place, both ways; the first that fit."""
    found: dict[int, int] = {}
    for place, (one, other) in parted:
        if place in found or place == BLOCK:
            continue
        crossed = (p for p, pair in parted if pair == (other, one) and p not in found and p != BLOCK)
        partner = next(crossed, None)
        if partner is not None:
            found |= {place: partner, partner: place}
    return found
