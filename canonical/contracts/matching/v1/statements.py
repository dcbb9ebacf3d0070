"""What a message states, in the form in which it is compared: figures as text.

A decimal of the layout has one text: equal figures are equal texts.
"""

from decimal import Decimal

from canonical.amounts import Charge, Money, total
from canonical.contracts.matching.v1.admission import Spoken
from canonical.contracts.matching.v1.lines import Line, Stated, account_key
from canonical.contracts.matching.v1.records import Statement, Values, link_text
from canonical.identifiers import LinkKind
from canonical.message import AllocationInstruction, Confirmation, ExecutionNotice, InvestorCalculation, Role
from canonical.trade import Allocation, BlockFigures, FundFigures, Terms

Stating = ExecutionNotice | AllocationInstruction | Confirmation | InvestorCalculation

OWN_BLOCK = {Role.BROKER: LinkKind.BROKER_BLOCK, Role.INVESTOR: LinkKind.INVESTOR_BLOCK}
_NO_REFERENCE = "NONREF"  # what SWIFT messages say in a reference field where there is no reference


def stated_in(said: Spoken, message: Stating) -> Stated:
    """The statement that a message makes."""
    own = link_text(OWN_BLOCK[said.role], message.reference)
    lines = _lines(message)
    statement = Statement(
        source=said.source,
        terms=message.terms,
        block=block_values(message.block) if message.block is not None else None,
        funds=len(lines),
        links=tuple(dict.fromkeys((*given_links(message), own))),
    )
    return Stated(statement, lines)


def given_links(message: Stating) -> tuple[str, ...]:
    """The links that a message gives, as link_text has it."""
    return tuple(link_text(link.kind, link.value) for link in message.links if link.value != _NO_REFERENCE)


def _lines(message: Stating) -> tuple[Line, ...]:
    if isinstance(message, AllocationInstruction):
        parts = message.allocations
        return tuple(Line(account_key(p.account), _allocated(p), p.reference) for p in parts)
    if isinstance(message, ExecutionNotice):
        return ()
    funds = message.funds
    return tuple(Line(account_key(f.account), figures_of(f), f.reference) for f in funds)


def block_values(block: BlockFigures) -> Values:
    """The figures of a block."""
    currency = block.price.currency
    values = {"quantity": str(block.quantity), "price": str(block.price.value), "currency": currency}
    if block.gross is not None:
        values["gross"] = _money(block.gross, currency)
    return values


def _allocated(part: Allocation) -> Values:
    values = {"quantity": str(part.quantity)}
    if part.price is not None:
        values |= {"price": str(part.price.value), "currency": part.price.currency}
    return values


def figures_of(fund: FundFigures) -> Values:
    """A fund's figures."""
    currency = fund.price.currency
    values = {
        "quantity": str(fund.quantity),
        "price": str(fund.price.value),
        "currency": currency,
        "commission": _money(fund.commission, currency),
        "consumption_tax": _money(fund.consumption_tax, currency),
        "fees": _fees(fund, currency),
        "accrued": _money(fund.accrued, currency) if fund.accrued is not None else "0",
        "net": _money(fund.net, currency),
    }
    if fund.gross is not None:
        values["gross"] = _money(fund.gross, currency)
    return values


def _money(money: Money | Charge, price_currency: str) -> str:
    """An amount, with its currency where that is not the price's: 100 yen are not 100 dollars.

    Nothing is nothing in any currency.
    """
    amount = str(money.amount)
    return amount if money.currency == price_currency or not money.amount else f"{amount} {money.currency}"


def _fees(fund: FundFigures, currency: str) -> str:
    """Fees as one text: kinds in order, equal kinds added, nothing where there are none."""
    if not fund.fees:
        return ""
    amounts: dict[str, list[Decimal]] = {}
    for fee in fund.fees:
        amounts.setdefault(fee.kind.value, []).append(fee.charge.amount)
    sums = [
        (kind, Charge(amount=total(amounts[kind]), currency=fund.net.currency)) for kind in sorted(amounts)
    ]
    return ", ".join(f"{kind} {_money(charge, currency)}" for kind, charge in sums if charge.amount)


def terms_values(terms: Terms) -> Values:
    """What is the same for block and funds."""
    values = {
        "side": terms.side.value,
        "trade_date": terms.trade_date.isoformat(),
        "settlement_date": terms.settlement_date.isoformat(),
    }
    given = (
        ("isin", terms.instrument.isin),
        ("japan_code", terms.instrument.japan_code),
        ("venue", terms.venue),
    )
    values |= {name: value for name, value in given if value is not None}
    if terms.order_format is not None:
        values["order_format"] = terms.order_format.value
    return values
