"""What goes wrong in messages, in each format, and what the refusal must name for it.

Each fault is made from a sound message, as a client's own mistake would be.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from node.demo.csv_messages import Row

UNDECODABLE: Final = "〓"
"""Stands in CSV rows for bytes that are no characters, as "ZZZ" does in FIX; see `with_bad_bytes`."""

FixChange = Callable[[dict[str, Any]], None]
RowsChange = Callable[[list[Row]], None]
BytesChange = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class FixFault:
    """names: what the refusal's text must hold. change: of the fields."""

    detail: str
    names: tuple[str, ...]
    change: FixChange


@dataclass(frozen=True, slots=True)
class CsvFault:
    """names: what the refusal's rows must hold: column and rule. change: of the rows."""

    detail: str
    names: tuple[str, ...]
    change: RowsChange


@dataclass(frozen=True, slots=True)
class IsoFault:
    """names: what the refusal's texts must hold. change: of the file.

    is_parts: the last fund's message breaks the format itself; it is refused alone, and the block waits.
    """

    detail: str
    names: tuple[str, ...]
    change: BytesChange
    is_parts: bool = False


def _set(tag: str, value: str) -> FixChange:
    return lambda fields: fields.update({tag: value})


def _set_in(group: str, tag: str, value: str) -> FixChange:
    return lambda fields: fields[group][0].update({tag: value})


def _without(tag: str) -> FixChange:
    return lambda fields: fields.pop(tag) and None


def _several(*changes: FixChange) -> FixChange:
    def change(fields: dict[str, Any]) -> None:
        for one in changes:
            one(fields)

    return change


def _with_unknown_counterparty(fields: dict[str, Any]) -> None:
    broker, investor = fields["453"]
    (investor if "755" in fields else broker)["448"] = "NONEJPJT"


# Of a broker's report (AS) and an investor's instruction (J) alike.
FIX_FAULTS: Final = (
    FixFault(
        "wrong check digit of the ISIN", ("48: ISIN has a wrong check digit",), _set("48", "JP3633400002")
    ),
    FixFault("price with an exponent", ("6: ", "2.8455E3"), _set("6", "2.8455E3")),
    FixFault("yen with decimals", ("78[1]/12: JPY has 0 decimals",), _set_in("78", "12", "1234.5")),
    FixFault("funds do not add up", ("add up to",), _set("53", "77700")),
    FixFault("settlement before trade", ("settlement date is before trade date",), _set("64", "20261119")),
    FixFault("unknown account", ("78[1]/79: ", "NOFUND"), _set_in("78", "79", "NOFUND")),
    FixFault("unknown counterparty", ("NONEJPJT",), _with_unknown_counterparty),
    FixFault("unknown security", ("48: ", "not a security of this network"), _set("48", "JP3538800008")),
    FixFault("trade date missing", ("75: ",), _without("75")),
    FixFault("unknown side", ("54: ",), _set("54", "Z")),
    FixFault("negative quantity", ("78[1]/80: ",), _set_in("78", "80", "-100")),
    FixFault("zero quantity", ("53: ",), _set("53", "0")),
    FixFault("bytes that are no text", ("355: ",), _several(_set("347", "Shift_JIS"), _set("355", "ZZZ"))),
    FixFault(
        "three faults at once",
        ("48: ISIN has a wrong check digit", "6: ", "78[1]/12: "),
        _several(_set("48", "JP3633400002"), _set("6", "1e3"), _set_in("78", "12", "0.5")),
    ),
)


def _column(name: str, value: str) -> RowsChange:
    """The same in all rows, as the columns of the block are."""

    def change(rows: list[Row]) -> None:
        for row in rows:
            row[name] = value

    return change


def _cell(name: str, value: str) -> RowsChange:
    return lambda rows: rows[-1].update({name: value})


def _columns(*changes: RowsChange) -> RowsChange:
    def change(rows: list[Row]) -> None:
        for one in changes:
            one(rows)

    return change


CSV_FAULTS: Final = (
    CsvFault("unknown security", ("銘柄コード unknown_instrument",), _column("銘柄コード", "1111")),
    CsvFault("malformed security code", ("銘柄コード malformed",), _column("銘柄コード", "72O3")),
    CsvFault("price with an exponent", ("平均単価 malformed",), _column("平均単価", "2.8E3")),
    CsvFault("yen with decimals", ("手数料 decimals",), _cell("手数料", "123.5")),
    CsvFault("funds do not add up", ("sum",), _column("合計数量", "77,700")),
    CsvFault("settlement before trade", ("date_order",), _column("受渡日", "2026/11/19")),
    CsvFault("unknown fund", ("ファンドコード unknown_account",), _cell("ファンドコード", "存在しない号")),
    CsvFault("unknown broker", ("証券会社BIC unknown_party",), _column("証券会社BIC", "NONEJPJT")),
    CsvFault("trade date missing", ("約定日 required",), _column("約定日", "")),
    CsvFault("unknown side", ("売買区分 unknown_code",), _column("売買区分", "借")),
    CsvFault("negative quantity", ("数量 out_of_range",), _cell("数量", "-100")),
    CsvFault("bytes that are no text", ("備考 undecodable",), _column("備考", UNDECODABLE)),
    CsvFault("net amount does not add up", ("受渡金額", "sum"), _cell("受渡金額", "1,234,567")),
    CsvFault(
        "three faults at once",
        ("売買区分 unknown_code", "約定日 malformed", "消費税 malformed"),
        _columns(_column("売買区分", "借"), _column("約定日", "20261120"), _cell("消費税", "1e2")),
    ),
)


def _swap(pattern: bytes, new: bytes, count: int = 0) -> BytesChange:
    return lambda raw: re.sub(pattern, new, raw, count=count)


def _last(pattern: bytes, new: bytes) -> BytesChange:
    """Change the last place in the file, which stands in the last fund's message."""

    def change(raw: bytes) -> bytes:
        *_, place = re.finditer(pattern, raw)
        return raw[: place.start()] + place.expand(new) + raw[place.end() :]

    return change


ISO_FAULTS: Final = (
    IsoFault(
        "wrong check digit of the ISIN",
        ("FinInstrmId/ISIN", "check digit"),
        _swap(rb"<ISIN>.*?<", b"<ISIN>JP3633400002<"),
    ),
    IsoFault(
        "unknown security",
        ("FinInstrmId/ISIN", "not a security"),
        _swap(rb"<ISIN>.*?<", b"<ISIN>JP3538800008<"),
    ),
    IsoFault(
        "yen with decimals", ("JPY has 0 decimals",), _last(rb'(<CsmptnTax>\s*<Amt Ccy="JPY">\d+)', rb"\1.5")
    ),
    IsoFault("funds do not add up", ("add up to",), _swap(rb"<Unit>\d+<", b"<Unit>77700<", 1)),
    IsoFault("settlement before trade", ("settlement date is before",), _swap(rb"2026-11-25", b"2026-11-19")),
    IsoFault("unknown account", ("SfkpgAcct", "NOFUND"), _last(rb"<SfkpgAcct>.*?<", b"<SfkpgAcct>NOFUND<")),
    IsoFault("unknown broker", ("NONEJPJT",), _swap(rb"<AnyBIC>DEMOJPJT<", b"<AnyBIC>NONEJPJT<")),
    IsoFault(
        "price with an exponent",
        ("DealPric/Val/Amt",),
        _last(rb'(<DealPric>\s*<Val>\s*<Amt Ccy="JPY">)[\d.]+', rb"\g<1>2.8E3"),
        is_parts=True,
    ),
    IsoFault(
        "trade date missing",
        ("TradDt",),
        _last(rb"<TradDt>\s*<Dt>\s*<Dt>[^<]*</Dt>\s*</Dt>\s*</TradDt>", b""),
        is_parts=True,
    ),
    IsoFault("unknown side", ("TradDtls/Sd", "LEND"), _last(rb"<Sd>....<", b"<Sd>LEND<")),
)


def with_bad_bytes(raw: bytes) -> bytes:
    """`raw` with bytes that are no characters of CP932 where something stands for such."""
    raw = raw.replace(UNDECODABLE.encode("cp932"), b"\x81\x7f")
    return raw.replace(b"\x01355=ZZZ\x01", "\x01355=あ\x01".encode())  # as FIX engines take it: UTF-8
