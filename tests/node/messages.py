"""What clients of the scene send: one trade as a broker reports it and as an investor does."""


def report(reference: str, **said: str) -> bytes:
    """A broker's allocation report (FIX AS): 30,000 shares at 2845.5 for F1 and F2.

    said: `order`, `investor` (a BIC), `commission` (of F1), `isin`, `remark`.
    """
    commission = int(said.get("commission", "56910"))
    funds = [
        ("F1", "20000", commission, 5691, 56_910_000 + commission + 5691),
        ("F2", "10000", 28455, 2845, 28_486_300),
    ]
    fields = [
        ("35", "AS"), ("49", "BROKER"), ("56", "YAKUJO"), ("34", "1"), ("52", "20261120-06:31:00.000"),
        ("755", reference), ("71", "0"), ("794", "3"), ("87", "3"), ("857", "0"),
        ("73", "1"), ("11", said.get("order", reference)),
        ("54", "1"), ("55", "[N/A]"), ("48", said.get("isin", "JP3633400001")), ("22", "4"),
        ("53", "30000"), ("30", "XTKS"), ("6", "2845.5"), ("15", "JPY"),
        ("453", "1"), ("448", said.get("investor", "ASMGJPJT")), ("447", "B"), ("452", "9"),
        ("75", "20261120"), ("60", "20261120-06:31:00.000"), ("64", "20261125"),
    ]  # fmt: skip
    if "remark" in said:
        length = len(said["remark"].encode())
        fields += [("354", str(length)), ("355", said["remark"])]
    fields.append(("78", "2"))
    for account, quantity, fee, tax, net in funds:
        fields += [
            ("79", account), ("661", "99"), ("80", quantity), ("467", f"{reference}/{account}"),
            ("12", str(fee)), ("13", "3"), ("153", "2845.5"), ("154", str(net)),
            ("136", "1"), ("137", str(tax)), ("138", "JPY"), ("139", "9"),
        ]  # fmt: skip
    return fix(*fields)


def fix(*fields: tuple[str, str]) -> bytes:
    """A FIX 4.4 message with right length and checksum."""
    body = "".join(f"{tag}={value}\x01" for tag, value in fields).encode()
    head = b"8=FIX.4.4\x019=%d\x01" % len(body)
    return head + body + b"10=%03d\x01" % (sum(head + body) % 256)


HEADER = (
    "取引参照番号,処理区分,注文番号,証券会社コード,銘柄コード,売買区分,約定日,受渡日,市場,合計数量,平均単価,"
    "ファンドコード,明細番号,数量,約定代金,手数料,消費税,受渡金額,備考\r\n"
)


def block(reference: str, **said: str) -> str:
    """The rows of an investor's block: the same trade as `report`.

    said: `order`, `commission` (of F1), `broker` and `security` (local codes), `fund` (for F1), `remark`.
    """
    head = (
        f"{reference},新規,{said.get('order', reference)},{said.get('broker', '19999')},"
        f"{said.get('security', '7203')},"
        '買,2026/11/20,2026/11/25,XTKS,"30,000",2845.5,'
    )
    commission = int(said.get("commission", "56910"))
    first = f"1,20000,56910000,{commission},5691,{56_910_000 + commission + 5691}"
    rows = [f"{said.get('fund', 'F1')},{first}", "F2,2,10000,28455000,28455,2845,28486300"]
    return "".join(f"{head}{row},{said.get('remark', '')}\r\n" for row in rows)


def file(*blocks: str) -> bytes:
    """A file of an investor's blocks."""
    return (HEADER + "".join(blocks)).encode("cp932")
