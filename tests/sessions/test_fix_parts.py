"""The parts of the FIX link that need no quickfix: what is remembered, corrected, relaxed and measured."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from fix_peers import fix_text

from adapters.fix_bridge import sendable
from adapters.fix_front import BrokenStreamError, Gauge
from adapters.fix_handover import Handover, Received
from adapters.fix_incoming import Incoming, checksum_holds
from adapters.fix_sent import Note, SentRecord
from adapters.fix_sessions import FixSession, check_sessions, engine_settings, relaxed_dictionary
from adapters.fix_store import PowerCut, StoredMark, store_epoch, store_next_numbers

SESSION = "FIX.4.4-SP-BRK"
DICTIONARY = b"""<fix type="FIX" major="4" minor="4">
<header><field name="MsgType" required="Y"/></header><trailer/>
<messages>
<message name="Logon" msgtype="A" msgcat="admin"><field name="EncryptMethod" required="Y"/></message>
<message name="Claim" msgtype="AS" msgcat="app"><field name="Side" required="Y"/>
<field name="EncodedText" required="N"/>
<group name="NoAllocs" required="Y"><field name="AllocQty" required="Y"/></group></message>
</messages><components/>
<fields>
<field number="35" name="MsgType" type="STRING"><value enum="A" description="x"/></field>
<field number="98" name="EncryptMethod" type="INT"><value enum="0" description="x"/></field>
<field number="54" name="Side" type="CHAR"><value enum="1" description="x"/></field>
<field number="78" name="NoAllocs" type="NUMINGROUP"/>
<field number="80" name="AllocQty" type="QTY"/>
<field number="355" name="EncodedText" type="DATA"/>
</fields></fix>"""


def store(folder: Path, sending: int, receiving: int) -> None:
    """A store as quickfix leaves it."""
    (folder / f"{SESSION}.seqnums").write_text(f"{sending:020d} : {receiving:020d}")
    if not store_epoch(folder, SESSION):
        (folder / f"{SESSION}.session").write_text("20261122-00:00:00")


def test_a_noted_delivery_is_done_once_its_number_is_in_the_store(tmp_path: Path) -> None:
    store(tmp_path, 5, 1)
    record, epoch = SentRecord(tmp_path, SESSION), store_epoch(tmp_path, SESSION)
    record.note(Note(epoch, 4, "in the store"))
    record.note(Note(epoch, 5, "killed before"))
    record.close()
    again = SentRecord(tmp_path, SESSION)
    assert "in the store" in again
    assert "killed before" not in again
    again.close()


def test_a_number_that_went_to_another_message_proves_nothing(tmp_path: Path) -> None:
    store(tmp_path, 5, 1)
    record, epoch = SentRecord(tmp_path, SESSION), store_epoch(tmp_path, SESSION)
    record.note(Note(epoch, 5, "failed"))
    record.forget("failed")
    record.close()
    store(tmp_path, 6, 1)
    again = SentRecord(tmp_path, SESSION)
    assert "failed" not in again
    again.close()


def test_the_record_is_bounded_and_survives_a_torn_line(tmp_path: Path) -> None:
    store(tmp_path, 1000, 1)
    record = SentRecord(tmp_path, SESSION, ids_max=10)
    for number in range(1, 100):
        record.note(Note(store_epoch(tmp_path, SESSION), number, f"d {number}"))
        record.sync()
    record.close()
    with (tmp_path / f"{SESSION}.sent").open("ab") as file:
        file.write(b"half a li")
    again = SentRecord(tmp_path, SESSION, ids_max=10)
    assert "d 99" in again
    assert "d 1" not in again
    again.close()
    assert (tmp_path / f"{SESSION}.sent").read_bytes().count(b"\n") == 10


def test_the_store_goes_back_to_what_is_stored(tmp_path: Path) -> None:
    mark = StoredMark(tmp_path, SESSION)
    assert mark.go_back() == 0
    store(tmp_path, 3, 40)
    mark.set(29)
    assert StoredMark(tmp_path, SESSION).go_back() == 10
    assert store_next_numbers(tmp_path, SESSION) == (3, 30)
    assert StoredMark(tmp_path, SESSION).go_back() == 0


def test_a_mark_of_another_epoch_says_nothing(tmp_path: Path) -> None:
    store(tmp_path, 1, 3)
    mark = StoredMark(tmp_path, SESSION)
    mark.set(500)
    (tmp_path / f"{SESSION}.session").unlink()
    store(tmp_path, 1, 3)
    assert mark.go_back() == 2


def test_numbers_are_left_out_after_a_power_cut_alone(tmp_path: Path) -> None:
    store(tmp_path, 7, 3)
    cut = PowerCut(tmp_path, SESSION)
    assert [cut.skip_numbers(boot) for boot in ("one", "one", "two", "two")] == [0, 0, 1000, 0]
    assert store_next_numbers(tmp_path, SESSION) == (1007, 3)
    for part in ("body", "header"):
        (tmp_path / f"{SESSION}.{part}").touch()
    cut.ended_well()
    assert cut.skip_numbers("three") == 0


def test_the_mark_stays_behind_the_first_that_is_under_way() -> None:
    marks: list[int] = []
    frames: list[int] = []
    handover = Handover(lambda _kind, _body, token, **_words: frames.append(token))
    received = Received(marks.append)
    handover.done_up_to(received, 1)
    for number in (2, 3, 4):
        handover.send(received, number, b"x")
    handover.done_up_to(received, 5)
    for token in (frames[1], frames[2], frames[0]):
        handover.stored(token)
    assert marks == [1, 1, 1, 5]


def test_business_content_is_the_formats_and_groups_are_the_engines() -> None:
    root = ET.fromstring(relaxed_dictionary(DICTIONARY))  # noqa: S314  # our own
    types = {field.get("name"): field.get("type") for field in root.iterfind("fields/field")}
    assert types == {
        "MsgType": "STRING",
        "EncryptMethod": "INT",
        "Side": "STRING",
        "NoAllocs": "NUMINGROUP",
        "AllocQty": "STRING",
        "EncodedText": "STRING",
    }
    required = [node.get("name") for node in root.iter() if node.get("required") == "Y"]
    assert required == ["MsgType", "EncryptMethod"]
    coded = [field.get("name") for field in root.iterfind("fields/field") if field.find("value") is not None]
    assert coded == ["MsgType", "EncryptMethod"]


def test_bytes_wait_for_the_engine_and_leave_nothing() -> None:
    incoming = Incoming()
    first, early = fix_text((35, "AS"), (34, "2")), fix_text((35, "AS"), (34, "4"))
    for raw in (first, early, fix_text((35, "0"), (34, "3"))):
        incoming.keep(raw)
    assert (incoming.take(2), incoming.refuse(3), incoming.take(4)) == (first, None, early)
    incoming.keep(first)
    assert incoming.take(2) is None


def test_checksum() -> None:
    raw = fix_text((35, "AS"), (34, "2"))
    assert checksum_holds(raw)
    assert not checksum_holds(raw.replace(b"34=2", b"34=3"))
    assert not checksum_holds(b"")


@pytest.mark.parametrize("piece", [1, 7, 50, 10_000])
def test_the_gauge_follows_any_cut(piece: int) -> None:
    """However TCP cuts the stream, and after a message with a wrong length, the next too long one is seen."""
    short, wrong = fix_text((35, "0")), fix_text((35, "0")).replace(b"9=5\x01", b"9=3\x01")
    stream = short * 3 + wrong + short + fix_text((35, "AS"), (58, "x" * 500))

    def measure(limit: int) -> None:
        gauge = Gauge(limit)
        for at in range(0, len(stream), piece):
            gauge.pass_on(stream[at : at + piece])

    measure(600)
    with pytest.raises(BrokenStreamError, match="at most 500"):
        measure(500)


@pytest.mark.parametrize(
    "raw", [b"", b"nonsense", fix_text((35, "A")), fix_text((35, "AS"), (58, b"\x83\x5c"))]
)
def test_not_sendable(raw: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # UnicodeDecodeError among them
        sendable(raw)


def words(**more: object) -> dict[str, object]:
    """The least that a session needs."""
    return {
        "client": "BRK",
        "role": "acceptor",
        "sender_comp_id": "SP",
        "target_comp_id": "BRK",
        "port": 9878,
        **more,
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": 0},
        {"role": "both"},
        {"sender_comp_id": "A/B"},
        {"start_time": "00:00:00"},
        {"start_time": "24:00:00", "end_time": "01:00:00"},
        {"data_dictionary": "no/such/file.xml"},
        {"prot": 1},
    ],
)
def test_settings_are_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # pydantic's own error
        FixSession.model_validate(words(**wrong))


def test_two_sessions_of_one_name() -> None:
    session = FixSession.model_validate(words())
    with pytest.raises(ValueError, match="twice"):
        check_sessions([session, session.model_copy(update={"client": "OTHER"})])


def test_settings_for_the_engine(tmp_path: Path) -> None:
    timed = {"start_time": "23:00:00", "end_time": "22:00:00", "reset_on": ["logon"]}
    text = engine_settings([FixSession.model_validate(words(**timed))], tmp_path, 4711)
    assert {"StartTime=23:00:00", "EndTime=22:00:00", "ResetOnLogon=Y", "SocketAcceptPort=4711"} <= set(
        text.split("\n")
    )
    assert "NonStopSession" not in text
    assert "NonStopSession=Y" in engine_settings([FixSession.model_validate(words())], tmp_path, 1)
