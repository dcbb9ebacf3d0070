"""What goes out by the shipped mappings: valid in each format, exact, read back as it was written."""

import re
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from mapping_scene import (
    FILES,
    SAMPLES,
    codec,
    mapping,
    said,
    sample,
    written_bytes,
)

from adapters.mapping import write
from adapters.mapping_file import load_mapping as load
from canonical.amounts import FeeKind
from canonical.answer import Answer, AnswerStatus, Finality, FundAnswer
from canonical.finality import with_finality
from canonical.identifiers import FundAccount
from canonical.message import Confirmation, ExecutionNotice, Kind, Role
from canonical.problems import Problem, Rule
from canonical.result import Difference, Source, Status
from canonical.trade import Side

REFERENCE_CHARACTERS_MAX = 64  # of the layout
BESIDE = {
    "@now": datetime(2026, 11, 20, 15, 31, 2, tzinfo=ZoneInfo("Asia/Tokyo")),
    "@message": "J",
    "@echo": {"34": "7", "70": "J1"},
    "@client": {"name": "ASMG", "bic": "ASMGJPJT", "provider_bic": "SPCCJPJT"},
}
ANSWERING = ["fix44/P", "fix44/AT", "fix44/AU", "fix44/reject", "iso20022/setr.044", "iso20022/setr.044.fund"]
ANSWERING += [
    "fix44/AS.calculation",
    "iso20022/setr.044.calculation",
    "delimited/result",
    "delimited/result_fund",
    "delimited/refusal",
]
FIELDS = ["side", "instrument", "trade_date", "settlement_date", "quantity", "price", "currency", "gross"]
FIELDS += ["commission", "consumption_tax", "fees", "accrued", "net", "venue", "order_format"]


def answer(status: AnswerStatus, reason: str = "") -> Answer:
    """One of each status, with a difference or problem about `reason`."""
    differs = Difference(field=reason, broker="1", investor="2")
    differs_now = (differs,) if reason and status is not AnswerStatus.REFUSED else ()
    funds = (
        FundAnswer(
            account=FundAccount(code="F1"), status=Status.MISMATCHED, reason=reason, differences=differs_now
        ),
        FundAnswer(account=FundAccount(code="F2"), status=Status.MATCHED),
        FundAnswer(account=FundAccount(code="F3"), status=Status.UNMATCHED),
    )
    problem = Problem(
        field="78[1]/80", value="0", rule=Rule.OUT_OF_RANGE, text="mend it", path=f"terms.{reason}"
    )
    return Answer(
        id="0123456789abcdef" * 2 + "-0",
        outcome="0123456789abcdef" * 2,
        to=(Source(author=Role.BROKER, kind=Kind.CONFIRMATION, reference="R1", raw="b" * 64),),
        status=status,
        trade="T1",
        trade_date=None if status is AnswerStatus.REFUSED else date(2026, 11, 20),
        reason=reason,
        differences=differs_now if status is AnswerStatus.MISMATCHED else (),
        funds=funds if status is AnswerStatus.FUNDS_MISMATCHED else (),
        problems=(problem, problem) if status is AnswerStatus.REFUSED else (),
        text="約定 T1: not the same\nin two lines" * 20,
        **(CALCULATED if status is AnswerStatus.CALCULATED else {}),
    )


def calculated() -> dict[str, Any]:
    """What an answer holds beside the rest where it tells a calculation."""
    told = (SAMPLES.parent / "write" / "fix44" / "AS.calculation" / "proposed" / "object.json").read_bytes()
    names = ("terms", "calculation", "calculated")
    return {name: getattr(Answer.model_validate_json(told), name) for name in names}


CALCULATED = calculated()


@pytest.mark.parametrize("name", ANSWERING)
@pytest.mark.parametrize("status", AnswerStatus)
@pytest.mark.parametrize("finality", Finality)
def test_every_answer_is_valid_in_every_format(name: str, status: AnswerStatus, finality: Finality) -> None:
    """No status and no field that may differ gives a message that the client's own software must reject."""
    for reason in ("", "sum", *FIELDS, *(rule.value for rule in Rule)):
        messages = write(mapping(name), with_finality(answer(status, reason), finality), BESIDE)
        pieces = written_bytes(name, messages) if messages else []
        for piece in pieces:
            assert [p for one in codec(name).decode(piece) for p in one.problems] == []


@pytest.mark.parametrize("name", ANSWERING)
@pytest.mark.parametrize("status", AnswerStatus)
def test_long_references_of_the_other_side_keep_nothing_from_being_heard(name: str, status: AnswerStatus):
    """A broker on FIX may call its messages by more characters than ISO 20022 has room for."""
    told = answer(status, "net")
    long = ("R" * REFERENCE_CHARACTERS_MAX,)
    funds = tuple(fund.model_copy(update={"theirs": long}) for fund in told.funds)
    told = told.model_copy(update={"theirs": long, "funds": funds})
    alleged = told.model_copy(update={"to": (told.to[0].model_copy(update={"reference": long[0]}),)})
    for each in (told, alleged) if status is AnswerStatus.ALLEGED else (told,):
        messages = write(mapping(name), each, BESIDE)
        for piece in written_bytes(name, messages) if messages else ():
            assert [p for one in codec(name).decode(piece) for p in one.problems] == []


@pytest.mark.parametrize("name", ["fix44/AS", "fix44/AK", "fix44/AS.calculation", "fix44/J"])
def test_every_kind_of_fee_has_a_code(name: str):
    """Also those that other formats tell apart more finely."""
    [rule] = [rule for rule in every_rule(mapping(name)) if rule.at == ("139",)]
    assert set(rule.native_codes) == {kind.value for kind in FeeKind}


def every_rule(level: Any) -> list[Any]:
    return [*level.field, *(rule for group in level.group for rule in every_rule(group))]


@pytest.mark.parametrize("name", [name for name in ANSWERING if name.startswith("fix44/")])
@pytest.mark.parametrize("status", AnswerStatus)
@pytest.mark.parametrize("finality", Finality)
def test_quickfix_accepts_every_answer(name: str, status: AnswerStatus, finality: Finality) -> None:
    """A client on a stock QuickFIX with the standard dictionary takes our acknowledgements."""
    quickfix = pytest.importorskip("quickfix")
    dictionary = quickfix_dictionary()
    for reason in ("", "commission", "net", "sum"):
        told = with_finality(answer(status, reason), finality)
        for piece in written_bytes(name, write(mapping(name), told, BESIDE)):
            message = quickfix.Message(piece.decode(), dictionary, VALIDATED)
            dictionary.validate(message)


def written(name: str, told: Answer) -> str:
    """What a client gets, as text: FIX fields divided by "|"."""
    encoding = "cp932" if name.startswith("delimited/") else "utf-8"
    pieces = written_bytes(name, write(mapping(name), told, BESIDE))
    return b"".join(pieces).decode(encoding).replace("\x01", "|")


def test_every_answering_mapping_is_tried_here() -> None:
    """A mapping that is added for answers is held to the same promises."""
    named = {f"{file.parent.name}/{n}" for file in FILES for n in (*load(file).answer, *load(file).refusal)}
    assert named | {"fix44/reject"} == set(ANSWERING)


@pytest.mark.parametrize("name", ANSWERING)
@pytest.mark.parametrize("status", AnswerStatus)
def test_no_answer_looks_more_final_than_it_is(name: str, status: AnswerStatus) -> None:
    """In no format does a provisional or withdrawn answer have the bytes, or the words, of the final one."""
    for reason in ("", "net", "account", "sum"):
        final = answer(status, reason)
        final = final.model_copy(update={"funds": answer(AnswerStatus.FUNDS_MISMATCHED, reason).funds})
        if not write(mapping(name), final, BESIDE):
            continue  # it writes refusals alone
        answers = {finality: with_finality(final, finality) for finality in Finality}
        told = {f: written(name, a) if write(mapping(name), a, BESIDE) else "" for f, a in answers.items()}
        said = [each for each in told.values() if each]  # figures are told once they are final, or not at all
        assert len(set(said)) == len(said)
        for finality in (Finality.PROVISIONAL, Finality.WITHDRAWN):
            assert f"{finality.value}: " in told[finality] or not told[finality]
            assert f"{finality.value}: " not in told[Finality.FINAL]


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("fix44/P", ["|87=0|", "|87=1|", "|87=2|", "|573=0|"]),
        ("fix44/AT", ["|87=0|", "|87=1|", "|87=2|", "|573=0|"]),
        ("fix44/AU", ["|940=2|", "|940=3|", "|573=0|", "|774="]),
        ("delimited/result", [",一致,", ",不一致,", ",ファンド不一致,", ",取消済,", ",エラー,"]),
        ("delimited/result_fund", [",一致,", ",不一致,"]),
        ("iso20022/setr.044", ["<Mtchd", "<Rjctd", "<CxlCmpltd", "<Cd>D"]),
        ("iso20022/setr.044.fund", ["<Mtchd", "<Cd>D"]),
    ],
)
def test_codes_of_final_answers_are_for_final_answers(name: str, codes: list[str]) -> None:
    """A client's software that reads the code alone takes a provisional or withdrawn answer for no result."""
    seen = ""
    for status in AnswerStatus:
        final = answer(status, "net")
        final = final.model_copy(update={"funds": answer(AnswerStatus.FUNDS_MISMATCHED, "net").funds})
        seen += written(name, final)
        for finality in (Finality.PROVISIONAL, Finality.WITHDRAWN):
            assert [code for code in codes if code in written(name, with_finality(final, finality))] == []
    assert [code for code in codes if code not in seen] == []


@pytest.mark.parametrize("finality", Finality)
def test_short_field_cuts_no_figure(finality: Finality) -> None:
    """Where a format holds less than there is to say, what is left of a figure is never another figure."""
    for padding in range(12):
        text = "x" * padding + " commission: broker 56910, investor 56900;" * 8
        told = answer(AnswerStatus.MATCHED).model_copy(update={"text": text})
        shown = written("iso20022/setr.044", with_finality(told, finality))
        said = re.findall("<AddtlRsnInf>(.*)</AddtlRsnInf>", shown)
        assert all(len(each) <= 210 for each in said)
        assert set(re.findall("[0-9]{2,}", " ".join(said))) == {"56910", "56900"}
        if len(said) > 1:  # all of it
            assert " ".join(said).endswith(text.strip())
        else:
            kept, _, left_out = said[0].partition("...")
            assert left_out == f" {8 - kept.count('commission')} more: see yakujo trace"


@pytest.mark.parametrize("case", ["two-funds", "replacement-with-fees", "average-price-of-the-block"])
def test_quickfix_accepts_every_copy(case: str) -> None:
    """The copies of a broker's block and figures for an investor on FIX, too."""
    quickfix = pytest.importorskip("quickfix")
    dictionary = quickfix_dictionary()
    for message in said(*sample(f"fix44/AS/{case}"))[0].messages:
        name = "fix44/AS" if message.kind is Kind.EXECUTION_NOTICE else "fix44/AK"
        for piece in written_bytes(name, write(mapping(name), message, BESIDE)):
            dictionary.validate(quickfix.Message(piece.decode(), dictionary, VALIDATED))


VALIDATED = True
_DICTIONARIES: list[Any] = []


def quickfix_dictionary() -> Any:
    if not _DICTIONARIES:
        quickfix = pytest.importorskip("quickfix")
        from adapters.fix_sessions import installed_dictionary  # noqa: PLC0415  beside quickfix alone

        _DICTIONARIES.append(quickfix.DataDictionary(str(installed_dictionary("FIX.4.4"))))
    return _DICTIONARIES[0]


def test_notice_is_read_back_as_it_was_written() -> None:
    """Nothing of a block is lost on its way to an investor on FIX."""
    [notice, _] = said(*sample("fix44/AS/two-funds"))[0].messages
    assert isinstance(notice, ExecutionNotice)
    [piece] = written_bytes("fix44/AS", write(mapping("fix44/AS"), notice, BESIDE))
    [again] = said("fix44/AS", piece)
    assert again.messages == (notice,)


@pytest.mark.parametrize("case", ["confirmation", "principal-with-fee"])
def test_confirmation_is_read_back_as_it_was_written(case: str) -> None:
    """Nor of a fund's figures."""
    [confirmation] = said(*sample(f"fix44/AK/{case}"))[0].messages
    [piece] = written_bytes("fix44/AK", write(mapping("fix44/AK"), confirmation, BESIDE))
    [again] = said("fix44/AK", piece)
    assert again.messages == (confirmation,)


def test_gross_of_a_copy_is_exact() -> None:
    """Where the broker's format gave no gross amount per fund, the copy's is net less charges, to the yen."""
    confirmation = said(*sample("fix44/AS/two-funds"))[0].messages[1]
    assert isinstance(confirmation, Confirmation)
    written = write(mapping("fix44/AK"), confirmation, BESIDE)
    assert [message.fields["381"] for message in written] == ["56910000", "28455000"]
    sold = confirmation.model_copy(
        update={"terms": confirmation.terms.model_copy(update={"side": Side.SELL})}
    )
    assert write(mapping("fix44/AK"), sold, BESIDE)[0].fields["381"] == str(56972601 + 56910 + 5691)


def test_parts_of_one_message_have_their_own_references() -> None:
    """An investor can affirm one fund of a confirmation that came in one message for all."""
    confirmation = said(*sample("fix44/AS/two-funds"))[0].messages[1]
    written = write(mapping("fix44/AK"), confirmation, BESIDE)
    assert [message.fields["664"] for message in written] == ["R1/1", "R1/2"]
