"""Trades from the latest to the first, by walking back through what was said.

However many there are, a page of them costs as much as it holds, or as it may look at.

A trade stands where its first word stands; one whose sides took back all they said, where its last result is.
"""

from collections.abc import Iterator

from canonical.contracts.matching.v1.records import relationship
from canonical.message import Kind, Role
from canonical.result import TradeStatus
from node.inspection import View
from node.store import each
from node.trades import message_record, opening_of

NO_POSITION = 2**62

_SAID = """
    SELECT position,
           json_extract(message.value, '$.broker.lei') AS broker,
           json_extract(message.value, '$.investor.lei') AS investor,
           json_extract(message.value, '$.kind') AS kind,
           json_extract(message.value, '$.reference') AS reference,
           sender
    FROM (SELECT position, sender, submission FROM said
          WHERE position < ? AND fault IS NULL ORDER BY position DESC LIMIT ?) AS said,
         json_each(said.submission, '$.messages') AS message
    ORDER BY position DESC, message.key
"""
_TAKEN_BACK = """
    SELECT DISTINCT trade FROM outcome AS told WHERE position = ? AND status IN ('CANC', 'CANA')
    AND NOT EXISTS (SELECT 1 FROM state WHERE key = 'half/' || told.trade)
    AND NOT EXISTS (SELECT 1 FROM outcome AS later WHERE later.trade = told.trade
                    AND later.position > told.position AND later.status IN ('CANC', 'CANA'))
"""
_RELEASED = """
    SELECT status FROM outcome JOIN decided USING (position)
    WHERE trade = ? AND kind = 'result' AND finality IN ('final', 'provisional')
    ORDER BY position DESC LIMIT 1
"""


def walked(
    view: View, sides: frozenset[str], before: int, count_max: int
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Positions in falling order, each with the ids of the trades that stand there.

    sides: one institution, or two: theirs alone. before: the position where to begin, itself left out.
    count_max: of submissions, of whomever, to look at.
    """
    messages: dict[int, list[tuple[str, Role, Kind, str]]] = {}
    for position, broker, investor, kind, reference, sender in each(
        view.connection, _SAID, before, count_max
    ):
        known = messages.setdefault(position, [])
        if sides <= {broker, investor}:
            role = Role.BROKER if sender == broker else Role.INVESTOR
            known.append((relationship(broker, investor), role, Kind(kind), reference))
    for position, said in messages.items():
        yield position, tuple(dict.fromkeys(_standing_at(view, position, said))) if said else ()


def _standing_at(view: View, position: int, said: list[tuple[str, Role, Kind, str]]) -> Iterator[str]:
    for between, role, kind, reference in said:
        record = message_record(view, between, role, kind, reference)
        opening = opening_of(view, record.half) if record is not None else None
        if opening is not None and opening[0] == position:
            yield opening[1]
    for (trade,) in each(view.connection, _TAKEN_BACK, position):
        yield trade


def released_status(view: View, trade: str) -> TradeStatus:
    """The status of a trade that was last released."""
    row = view.connection.execute(_RELEASED, (trade,)).fetchone()
    return TradeStatus(row[0]) if row is not None else TradeStatus.UNMATCHED
