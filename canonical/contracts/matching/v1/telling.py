"""What is told about a trade: its status now, if it is not what was told before."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from canonical.calculation.calculation import Calculation
from canonical.contracts.matching.v1.admission import RefusedError, refused
from canonical.contracts.matching.v1.adoption import Request, sides_of
from canonical.contracts.matching.v1.agreed_change import Asked, asked_for
from canonical.contracts.matching.v1.alleging import allegement, is_alleged_at_once
from canonical.contracts.matching.v1.book import Book
from canonical.contracts.matching.v1.calculating import calculation_of
from canonical.contracts.matching.v1.comparison import Seen, seen
from canonical.contracts.matching.v1.lines import account_key
from canonical.contracts.matching.v1.records import (
    Change,
    Half,
    Trade,
    change_key,
    trade_key,
)
from canonical.encoding import canonical_bytes, digest_of_bytes
from canonical.identifiers import FundAccount
from canonical.message import Kind, Role
from canonical.problems import Rule
from canonical.result import BlockState, FundState, Result, Source, Status, TradeStatus, result_id
from canonical.rules import Rules
from canonical.rules.versions import RulesOn

_AGREED = (TradeStatus.MATCH_AGREED, TradeStatus.CHANGE_REQUESTED)


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells what one entry changed.

    withdrawn: what took something of a half back, by the half. cancelled: the cancellations among them.
    asked: by trade, the change that a side asks for after match agreed, or that was refused just now.
    """

    book: Book
    rules: RulesOn
    contract: str
    position: int
    withdrawn: dict[str, Source]
    cancelled: dict[str, dict[Source, None]]
    asked: dict[str, Asked]

    def tell_cancelled(self, gone: dict[str, tuple[tuple[Half, ...], tuple[Source, ...]]]) -> list[Result]:
        """Remove the trades that both sides have taken back after match."""
        results = []
        for trade, (pair, sources) in gone.items():
            block = BlockState(status=Status.UNMATCHED, sources=sources)
            alone = pair[0].model_copy(update={"candidates": ()})
            result = self._result(alone, trade, Seen(block, (), TradeStatus.CANCEL_AGREED), (), *pair[1:])
            taken = tuple(source for source in sources if source.kind is Kind.CANCELLATION)
            results.append(result.model_copy(update={"cancellations": taken}))
            for half in pair:
                self.book.part(self.book.half(half.id))
                self.book.remove(self.book.half(half.id))
            self.book.working.delete(trade_key(trade))
        return results

    def tell_gone(self) -> list[Result]:
        """Remove the halves of which nothing is left: their side hears so, the other that it stands alone."""
        results = []
        for half in [self.book.find(i) for i in self.book.touched]:
            if half is not None and not half.statements:
                results.append(self._gone(half))
        return results

    def _gone(self, half: Half) -> Result:
        by = self.withdrawn[half.id]
        trade = self.book.trade_of(half)
        parted = self.book.part(half)
        sources = [by, *(s.source for other in parted[1:] for s in other.statements)]
        for other in parted[1:]:
            self.book.put(other.model_copy(update={"stirred": False}))
        self.book.remove(half)
        status, block = TradeStatus.CANCELLED, BlockState(status=Status.UNMATCHED, sources=tuple(sources))
        result = self._result(half, trade, Seen(block, (), status), ())
        subject = f"{trade}/cancelled/{half.id}"
        update = {
            "id": result_id(self.contract, self.position, subject),
            "cancelled_by": half.role,
            "cancellations": self._cancellations(half) or (by,),
            "candidates": (),
        }
        return result.model_copy(update=update)

    def tell(self) -> list[Result]:
        """The results about all trades that changed. Raises RefusedError where one was agreed before."""
        trades: dict[str, Half] = {}
        for half in [self.book.find(i) for i in self.book.touched]:
            if half is not None:
                trades.setdefault(self.book.trade_of(half), half)
        results = [self._tell(trade, half) for trade, half in trades.items()]
        return [result for result in results if result is not None]

    def tell_calculated(self, requests: list[Request]) -> list[Result]:
        """What the agreed rules make of the trades that were asked about. Raises RefusedError."""
        results = []
        for request in requests:
            source, half = request.source, request.asked(self.book)
            other = self.book.half(half.other) if half.other is not None else None
            rules = self._rules_of(half)
            calculation = calculation_of(*sides_of(self.book, half), rules, self.book.calendars)
            if not isinstance(calculation, Calculation):
                raise RefusedError(*calculation)
            trade, now = self.book.trade_of(half), seen(self.book, half, other, rules)
            block = now.block.model_copy(update={"sources": (source,), "differences": ()})
            funds = tuple(_asked_about(account, now, source) for account in _accounts(calculation))
            result = self._result(
                half, trade, replace(now, block=block, calculation=calculation), funds, other
            )
            subject = f"{trade}/calculation/{source.reference}"
            told = {"id": result_id(self.contract, self.position, subject), "requests": (source,)}
            results.append(result.model_copy(update=told))
        return results

    def _tell(self, trade: str, half: Half) -> Result | None:
        other = self.book.half(half.other) if half.other is not None else None
        now = seen(self.book, half, other, self._rules_of(half))
        if half.agreed and now.status is TradeStatus.MATCH_AGREED and self._is_asked(trade):
            now = replace(now, status=TradeStatus.CHANGE_REQUESTED)
        if half.agreed and now.status not in _AGREED:
            text = "the trade is agreed: it changes only with the other side"
            raise refused("reference", half.statements[-1].source.reference, Rule.NOT_ALLOWED, text)
        before = self.book.memory(trade)
        memory = None if before is None and _goes_without_saying(now, half) else _memory(now, half)
        silent = memory is None or _is_known(now, before, memory)
        if memory is not None:
            self.book.working.put(trade_key(trade), memory)
        self._settle_agreed(now, half, other)
        cancellations = self._cancellations(half, other)
        if silent and not cancellations:
            alleged = is_alleged_at_once(half, self.position, self._rules_of(half), self.book.time)
            return self._alleged(half, trade, now) if alleged else None
        if silent and other is None:  # only the cancellation is answered: the rest stands as it stood
            now = Seen(BlockState(status=Status.UNMATCHED), (), now.status)
        if trade in self.asked:
            return self._of_change(half, other, trade, now)
        shown = now.funds if memory is None or now.status in _AGREED else _changed(now.funds, before, memory)
        result = self._result(half, trade, now, shown, other)
        return result.model_copy(update={"cancellations": cancellations}) if cancellations else result

    def _rules_of(self, half: Half) -> Rules:
        """Those that hold for the trade that `half` is part of."""
        return self.rules.on(self.book.trade_date(half))

    def standing(self, half: Half) -> Result:
        """How the trade of `half` stands, with the funds that are open, told before or not."""
        other = self.book.half(half.other) if half.other is not None else None
        now = seen(self.book, half, other, self._rules_of(half))
        trade = self.book.trade_of(half)
        if half.waits:
            asked = {trade: asked_for(self.book.working.must(change_key(trade), Change))}
            now = replace(now, status=TradeStatus.CHANGE_REQUESTED)
            return replace(self, asked=asked)._of_change(half, other, trade, now)
        shown = tuple(fund for fund in now.funds if not fund.status.is_matched)
        return self._result(half, trade, now, shown, other)

    def _alleged(self, half: Half, trade: str, now: Seen) -> Result:
        result = self._result(half, trade, now, ())
        return result.model_copy(update={"alleged": allegement(half)})

    def _is_asked(self, trade: str) -> bool:
        return self.book.working.get(change_key(trade), Change) is not None

    def _of_change(self, half: Half, other: Half | None, trade: str, now: Seen) -> Result:
        """What is told about a change: to what asks for it, and to the other side's messages."""
        asked = self.asked[trade]
        stated = (*now.block.sources, *(source for fund in now.funds for source in fund.sources))
        theirs = (source for source in stated if source.author is not asked.state.by)
        sources = tuple(dict.fromkeys((*asked.sources, *theirs)))
        block = now.block.model_copy(update={"sources": sources})
        result = self._result(half, trade, replace(now, block=block), (), other)
        return result.model_copy(update={"change": asked.state})

    def _settle_agreed(self, now: Seen, half: Half, other: Half | None) -> None:
        agreed = now.status in _AGREED
        for each in (half, other):
            if each is not None and (each.agreed is not agreed or each.stirred):
                self.book.put(each.model_copy(update={"agreed": agreed, "stirred": False}))

    def _cancellations(self, *halves: Half | None) -> tuple[Source, ...]:
        found = [self.cancelled.get(half.id, {}) for half in halves if half is not None]
        return tuple(dict.fromkeys(source for sources in found for source in sources))

    def _result(
        self, half: Half, trade: str, now: Seen, shown: tuple[FundState, ...], other: Half | None = None
    ) -> Result:
        broker = next((h for h in (half, other) if h is not None and h.role is Role.BROKER), half)
        return Result(
            id=result_id(self.contract, self.position, trade),
            position=self.position,
            contract=self.contract,
            broker=half.broker,
            investor=half.investor,
            trade=trade,
            status=now.status,
            terms=broker.terms,
            block=now.block,
            funds=shown,
            funds_matched=_matched(now.funds),
            funds_total=len(now.funds),
            candidates=half.candidates,
            calculation=now.calculation,
            problems=now.problems,
            diagnosis=now.diagnosis,
            unaffirmed=now.unaffirmed,
        )


def _accounts(calculation: Calculation) -> tuple[FundAccount, ...]:
    return tuple(dict.fromkeys(fund.account for fund in calculation.funds))


def _asked_about(account: FundAccount, now: Seen, source: Source) -> FundState:
    """A fund as it stands, told to who has asked for its calculation."""
    standing = next((fund for fund in now.funds if fund.account == account), None)
    if standing is None:
        return FundState(account=account, status=Status.UNMATCHED, sources=(source,))
    return standing.model_copy(update={"differences": (), "sources": (source,)})


def _goes_without_saying(now: Seen, half: Half) -> bool:
    """That a new message stands alone."""
    return now.status is TradeStatus.UNMATCHED and not half.stirred and not half.candidates


def _is_known(now: Seen, before: Trade | None, memory: Trade) -> bool:
    """Whether both sides know it."""
    if before is None or now.status is not TradeStatus.UNMATCHED:
        return memory == before
    return (before.status, before.candidates) == (memory.status, memory.candidates)


def _memory(now: Seen, half: Half) -> Trade:
    return Trade(
        status=now.status,
        block=now.block,
        funds=_told_of(now),
        matched=_matched(now.funds),
        candidates=half.candidates,
    )


def _told_of(now: Seen) -> dict[str, str]:
    """A digest of what is told of each fund; where the trade is agreed and all are told, of all of them."""
    texts = list(_texts(now.funds))
    if now.status in _AGREED:
        return dict.fromkeys(_keyed(now.funds), digest_of_bytes(b"".join(texts)))
    return dict(zip(_keyed(now.funds), map(digest_of_bytes, texts), strict=True))


def _texts(funds: tuple[FundState, ...]) -> Iterator[bytes]:
    """What is told of each fund, as bytes. Most rest on the same messages: these are digested once."""
    sources: tuple[Source, ...] = ()
    of_sources = b""
    for fund in funds:
        if not of_sources or fund.sources != sources:
            sources = fund.sources
            of_sources = digest_of_bytes(b"".join(map(canonical_bytes, sources))).encode()
        yield canonical_bytes(fund, "sources") + of_sources


def _matched(funds: tuple[FundState, ...]) -> int:
    return sum(fund.status.is_matched for fund in funds)


def _keyed(funds: tuple[FundState, ...]) -> dict[str, FundState]:
    """The funds by account; one that stands several times, at several prices, by its place too."""
    found: dict[str, FundState] = {}
    for fund in funds:
        key = account_key(fund.account)
        found[key if key not in found else f"{key}/{len(found)}"] = fund
    return found


def _changed(funds: tuple[FundState, ...], before: Trade | None, memory: Trade) -> tuple[FundState, ...]:
    known = before.funds if before is not None else {}
    return tuple(f for key, f in _keyed(funds).items() if known.get(key) != memory.funds[key])
