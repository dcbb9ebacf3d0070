"""What asset manager A's own system writes: CP932 CSV files with Japanese columns, a row per fund."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from canonical.amounts import plain
from node.demo.figures import Figures, Share
from node.demo.market import BROKER, BROKER_CODE, MARKET, SETTLEMENT_DATE, TRADE_DATE
from node.demo.scenario import Sending

ENCODING: Final = "cp932"
COLUMNS: Final[tuple[str, ...]] = (
    "取引参照番号",
    "処理区分",
    "元参照番号",
    "注文番号",
    "証券会社コード",
    "証券会社BIC",
    "銘柄コード",
    "売買区分",
    "約定日",
    "受渡日",
    "市場",
    "合計数量",
    "平均単価",
    "通貨",
    "ファンドコード",
    "明細番号",
    "数量",
    "約定代金",
    "手数料",
    "消費税",
    "取引所手数料",
    "受渡金額",
    "備考",
)
Row = dict[str, str]


def rows(reference: str, figures: Figures, *, remark: str = "") -> list[Row]:
    """The rows of one block: how it is split, and what the manager has computed for each fund."""
    terms = _terms(reference, figures, remark)
    return [
        terms | _share(share, f"{reference}-{number}") for number, share in enumerate(figures.shares, start=1)
    ]


def replacing(given: Iterable[Row], earlier: str) -> list[Row]:
    """`given` as what takes the place of the block `earlier`."""
    return [row | {"処理区分": "訂正", "元参照番号": earlier} for row in given]


def cancelling(given: list[Row], reference: str) -> list[Row]:
    """What takes a block back, with a reference of its own: the block's first row is enough."""
    row = given[0]
    return [row | {"処理区分": "取消", "元参照番号": row["取引参照番号"], "取引参照番号": reference}]


def written(given: Iterable[Row]) -> bytes:
    """A file with these rows, its numbers grouped as spreadsheets do."""
    out = io.StringIO()
    writer: csv.DictWriter[str] = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(given)
    return out.getvalue().encode(ENCODING)


def packed(files: Iterable[Sending], blocks_max: int) -> Iterator[Sending]:
    """Files of one block each put together to files of several, in order.

    A reference stands in one file once; what has another header stays a file of its own.
    """
    header = written([])
    bodies: dict[bytes, bytes] = {}
    names: list[Sending] = []
    for file in files:
        body = file.raw.removeprefix(header)
        reference = body.partition(b",")[0]
        is_own = body == file.raw
        if names and (is_own or reference in bodies or len(bodies) == blocks_max):
            yield replace(names[0], raw=header + b"".join(bodies.values()))
            bodies, names = {}, []
        if is_own:
            yield file
        else:
            bodies[reference] = body
            names.append(file)
    if names:
        yield replace(names[0], raw=header + b"".join(bodies.values()))


def read(raw: bytes) -> Iterator[Row]:
    """The rows of a file that came back."""
    return csv.DictReader(io.StringIO(raw.decode(ENCODING), newline=""))


def _terms(reference: str, figures: Figures, remark: str) -> Row:
    return {
        "取引参照番号": reference,
        "処理区分": "新規",
        "注文番号": figures.order,
        "証券会社コード": BROKER_CODE,
        "証券会社BIC": BROKER.bic,
        "銘柄コード": figures.security.code,
        "売買区分": "買" if figures.buys else "売",
        "約定日": f"{TRADE_DATE:%Y/%m/%d}",
        "受渡日": f"{SETTLEMENT_DATE:%Y/%m/%d}",
        "市場": MARKET,
        "合計数量": f"{figures.quantity:,}",
        "平均単価": plain(figures.price),
        "通貨": "JPY",
        "備考": remark,
    }


def _share(share: Share, line: str) -> Row:
    return {
        "ファンドコード": share.fund.name,
        "明細番号": line,
        "数量": f"{share.quantity:,}",
        "約定代金": f"{share.gross:,}",
        "手数料": f"{share.commission:,}",
        "消費税": f"{share.tax:,}",
        "取引所手数料": f"{share.fee:,}" if share.fee else "",
        "受渡金額": f"{share.net:,}",
    }
