"""An allegement in words, for formats that have no fields for it."""

from canonical.amounts import plain
from canonical.message import Role
from canonical.result import Allegement
from canonical.trade import Terms


def alleged_text(terms: Terms, alleged: Allegement) -> str:
    """What waits: "the broker waits for your word on: buy 300 JP3633400001 at 2845.5 JPY; common T1"."""
    other = Role.BROKER if alleged.to is Role.INVESTOR else Role.INVESTOR
    name = terms.instrument.isin or terms.instrument.japan_code or ""
    what = f"{terms.side.value} {name}"
    if (block := alleged.block) is not None:
        price = f"{plain(block.price.value)} {block.price.currency}"
        what = f"{terms.side.value} {plain(block.quantity)} {name} at {price}"
    links = (f"{link.kind.value} {link.value}" for link in alleged.links)
    return "; ".join((f"the {other.value} waits for your word on: {what}", *links))
