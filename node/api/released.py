"""What has been released about a trade: as its results tell it, final or provisional, and no more.

What this node alone has come to is nobody's yet: the other side's node has to come to the same.
"""

from dataclasses import dataclass, field

from canonical.calculation.calculation import Calculation
from canonical.contracts.matching.v1.lines import account_key
from canonical.contracts.matching.v1.records import Trade, trade_key
from canonical.difference_words import explained
from canonical.result import OUTCOME, BlockState, Difference, FundState, Result, Status, TradeStatus
from node.inspection import View
from node.results import FINAL, PROVISIONAL
from node.store import each

NOTHING = Trade(status=TradeStatus.UNMATCHED, block=BlockState(status=Status.UNMATCHED), funds={})
_WHOLE = (TradeStatus.MATCH_AGREED, TradeStatus.CANCELLED, TradeStatus.CANCEL_AGREED)
"""Where a result tells of all funds there are, or of none because there are none any more."""


@dataclass
class Released:
    """How a trade stands by what has been released of it.

    last: the last result; None where nothing was told. finality: of it. awaited: whether there is a later
    one that is not released. calculation: the last that was told. funds: by account, as the last result
    that names it has it, with why it differs.
    """

    last: Result | None = None
    finality: str = FINAL
    awaited: bool = False
    calculation: Calculation | None = None
    block: BlockState = field(default_factory=lambda: NOTHING.block)
    funds: dict[str, tuple[FundState, ...]] = field(default_factory=dict)

    def add(self, result: Result, finality: str) -> None:
        """Take the next result."""
        self.last, self.finality = result, finality
        self.calculation = result.calculation or self.calculation
        if (
            result.requests or result.change is not None
        ):  # tells about a message, not how block and funds stand
            return
        differences = explained(result.block.differences, result.diagnosis, None)
        self.block = result.block.model_copy(update={"differences": differences})
        if result.status in _WHOLE:
            self.funds = {}
        for key in dict.fromkeys(account_key(fund.account) for fund in result.funds):
            named = (fund for fund in result.funds if account_key(fund.account) == key)
            self.funds[key] = tuple(_explained(fund, result) for fund in named)

    def keep(self, known: Trade | None) -> None:
        """Leave out funds that the contract does not know any more, such as those of a replaced message."""
        if known is not None and not self.awaited:
            accounts = {key.partition("/")[0] for key in known.funds}
            self.funds = {key: funds for key, funds in self.funds.items() if key in accounts}

    def as_trade(self) -> Trade:
        """As lists of trades take it."""
        if self.last is None:
            return NOTHING
        funds = {
            f"{key}/{number}": fund.status.value
            for key, several in self.funds.items()
            for number, fund in enumerate(several)
        }
        matched = self.last.funds_matched
        return Trade(status=self.last.status, block=self.block, funds=funds, matched=matched)

    @property
    def block_differences(self) -> tuple[Difference, ...]:
        """Those of the block."""
        return self.block.differences


def _explained(fund: FundState, result: Result) -> FundState:
    code = fund.account.code
    why = {
        "differences": explained(fund.differences, result.diagnosis, code),
        "unaffirmed": explained(fund.unaffirmed, result.unaffirmed, code),
    }
    return fund.model_copy(update=why)


def released(view: View, trade: str) -> Released:
    """What has been released about a trade."""
    rows = each(
        view.connection,
        "SELECT outcome, finality FROM outcome JOIN decided USING (position)"
        " WHERE trade = ? AND kind = 'result' ORDER BY position, outcome.rowid",
        trade,
    )
    found = Released()
    for outcome, finality in rows:
        result = OUTCOME.validate_json(outcome)
        assert isinstance(result, Result)
        found.awaited = finality not in (FINAL, PROVISIONAL)
        if not found.awaited:
            found.add(result, finality)
    found.keep(view.record(trade_key(trade), Trade))
    return found
