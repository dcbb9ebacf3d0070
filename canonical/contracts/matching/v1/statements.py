"""What a message states, in the form in which it is compared: figures as text.

A decimal of the layout has one text: equal figures are equal texts.
"""

from collections.abc import Callable
from decimal import Decimal

from canonical.amounts import Fees, plain, total
from canonical.contracts.matching.v1.admission import Spoken
from canonical.contracts.matching.v1.lines import Figures, Line, Stated, account_key
from canonical.contracts.matching.v1.records import Statement, Values, link_text
from canonical.identifiers import LinkKind
from canonical.message import AllocationInstruction, Confirmation, ExecutionNotice, InvestorCalculation, Role
from canonical.trade import Allocation, BlockFigures, FundFigures, Terms

Stating = ExecutionNotice | AllocationInstruction | Confirmation | InvestorCalculation

OWN_BLOCK = {Role.BROKER: LinkKind.BROKER_BLOCK, Role.INVESTOR: LinkKind.INVESTOR_BLOCK}
# The names of the figures of an allocation and of a calculation, in the order in which they are written.
_QUANTITY = ("quantity",)
_QUANTITY_AND_PRICE = (*_QUANTITY, "price", "currency")
_FIGURES = (*_QUANTITY_AND_PRICE, "commission", "consumption_tax", "fees", "accrued", "net")
_FIGURES_AND_GROSS = (*_FIGURES, "gross")
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
        return tuple([Line(account_key(p.account), _allocated(p), p.reference) for p in parts])
    if isinstance(message, ExecutionNotice):
        return ()
    funds = message.funds
    return tuple([Line(account_key(f.account), figures_of(f), f.reference) for f in funds])


def block_values(block: BlockFigures) -> Values:
    """The figures of a block."""
    currency = block.price.currency
    values = {"quantity": str(block.quantity), "price": str(block.price.value), "currency": currency}
    if block.gross is not None:
        values["gross"] = _writing(block.gross.currency, currency)(block.gross.amount)
    return values


def _allocated(part: Allocation) -> Figures:
    if part.price is None:
        return Figures(_QUANTITY, str(part.quantity))
    return Figures(_QUANTITY_AND_PRICE, f"{part.quantity}\n{part.price.value}\n{part.price.currency}")


def figures_of(fund: FundFigures) -> Figures:
    """A fund's figures. All of its amounts are in one currency, mostly that of the price."""
    price, accrued, gross, net = fund.price, fund.accrued, fund.gross, fund.net
    written = _writing(net.currency, price.currency)
    texts = (
        str(fund.quantity),
        str(price.value),
        price.currency,
        written(fund.commission.amount),
        written(fund.consumption_tax.amount),
        _fees(fund.fees, written) if fund.fees else "",
        written(accrued.amount) if accrued is not None else "0",
        written(net.amount),
    )
    if gross is None:
        return Figures(_FIGURES, "\n".join(texts))
    return Figures(_FIGURES_AND_GROSS, "\n".join((*texts, written(gross.amount))))


def _writing(currency: str, price_currency: str) -> Callable[[Decimal], str]:
    """What writes amounts of a currency: with it where it is not the price's; 100 yen are not 100 dollars.

    Nothing is nothing in any currency. An amount of the layout has one text.
    """
    if currency == price_currency:
        return str
    return lambda amount: f"{amount} {currency}" if amount else "0"


def _fees(fees: Fees, written: Callable[[Decimal], str]) -> str:
    """Fees as one text: kinds in order, equal kinds added, nothing where there are none."""
    amounts: dict[str, list[Decimal]] = {}
    for fee in fees:
        amounts.setdefault(fee.kind.value, []).append(fee.charge.amount)
    sums = [(kind, Decimal(plain(total(amounts[kind])))) for kind in sorted(amounts)]
    return ", ".join(f"{kind} {written(amount)}" for kind, amount in sums if amount)


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
