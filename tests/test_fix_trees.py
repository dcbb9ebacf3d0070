"""The FIX codec under generated input: every tree that FIX can say comes back, and no bytes raise."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from adapters.fix import FixFormat
from adapters.fix_dictionary import FixDictionary, Level, installed, load
from adapters.fix_text import CHARSETS, from_bytes, is_text, to_bytes
from adapters.format import Decoded, Fields
from canonical.problems import Rule

GOLDEN = sorted((Path(__file__).parent / "golden" / "fix").iterdir())
MESSAGES = ("8", "AE", "J", "P", "AS", "AT", "AK", "AU")

pytestmark = pytest.mark.skipif(not installed().is_file(), reason="quickfix is not installed: no dictionary")
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PIECES = [
    b"8=FIX.4.4",
    b"9=5",
    b"35=J",
    b"78=2",
    b"79=A",
    b"354=3",
    b"355=\x01\xff",
    b"10=1",
    b"453=1",
    b"539=9",
    b"\x1b$B",
]


@pytest.mark.parametrize("message", MESSAGES)
@few
@given(st.randoms(use_true_random=False))
def test_any_tree_comes_back(message: str, chance: random.Random) -> None:
    """Whatever the dictionary allows is read as it was written; only conditional rules may object."""
    codec = FixFormat(load(installed()))
    fields = codec.ordered(message, _tree(chance, codec.dictionary, codec.dictionary.message(message)))
    raw = codec.encode([Decoded(message, fields)])
    (read,) = codec.decode(raw)
    assert {found.rule for found in read.problems} <= {Rule.REQUIRED}
    assert (read.message, _without_lengths(codec, read.fields)) == (message, fields)
    assert codec.encode([read]) == raw


def test_quickfix_accepts_any_tree() -> None:
    """What is written in the dictionary's order passes the validator of the engine on the other side."""
    engine = pytest.importorskip("quickfix", exc_type=ImportError)
    dictionary = engine.DataDictionary(str(installed()))
    codec, chance, check_framing = FixFormat(load(installed())), random.Random(1), (True,)
    for message in MESSAGES * 25:
        fields = _tree(chance, codec.dictionary, codec.dictionary.message(message))
        raw = codec.encode([Decoded(message, codec.ordered(message, fields))])
        dictionary.validate(engine.Message(raw.decode(), dictionary, *check_framing))


@few
@given(
    st.one_of(
        st.binary(max_size=400),
        st.lists(
            st.sampled_from(PIECES),
            max_size=30,
        ).map(b"\x01".join),
    )
)
def test_any_bytes_are_read(raw: bytes) -> None:
    """No bytes raise, and what was read can be written."""
    codec = FixFormat(load(installed()))
    (read,) = codec.decode(raw)
    assert read.problems
    codec.encode([read])


@few
@given(st.sampled_from(GOLDEN), st.randoms(use_true_random=False), st.sampled_from(sorted(CHARSETS)))
def test_any_mutation_is_read(folder: Path, chance: random.Random, charset: str) -> None:
    codec = FixFormat(load(installed()), charset=charset)
    raw = bytearray((folder / "message.fix").read_bytes())
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(raw))
        raw[at : at + chance.randint(0, 3)] = chance.choice(
            [b"", b"\x01", b"=", b"0", b"\xff", b"\x1b$B", b"79=A\x01"]
        )
    (read,) = codec.decode(bytes(raw))
    codec.encode([read])


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(CHARSETS)),
    st.lists(st.sampled_from([*b"\x1b$B(J0\\A\x83\x5c\xff\x8e\xa1"])).map(bytes),
)
def test_bytes_that_are_no_text_come_back(charset: str, data: bytes) -> None:
    text = from_bytes(data, charset)
    assume(not is_text(text))
    assert to_bytes(text, charset) == data


def _without_lengths(codec: FixFormat, fields: Fields) -> Fields:
    """Lengths are computed where a tree leaves them out."""
    return {
        tag: [_without_lengths(codec, entry) for entry in value] if isinstance(value, list) else value
        for tag, value in fields.items()
        if tag not in codec.dictionary.data_of
    }


_SAMPLES: dict[str, tuple[str, ...]] = {
    "INT": ("-1", "0", "007", "123456789"),
    **dict.fromkeys(("LENGTH", "SEQNUM", "NUMINGROUP"), ("0", "1", "99")),
    **dict.fromkeys(
        ("FLOAT", "QTY", "PRICE", "PRICEOFFSET", "AMT", "PERCENTAGE"),
        ("0", "-1.5", "0100", "23.", ".5", "9" * 28),
    ),
    "CHAR": ("A", "0", " "),
    "BOOLEAN": ("Y", "N"),
    "CURRENCY": ("JPY", "USD"),
    "COUNTRY": ("JP",),
    "EXCHANGE": ("XTKS", "XOSE"),
    **dict.fromkeys(("LOCALMKTDATE", "UTCDATEONLY"), ("20240229", "00010101", "99991231")),
    "UTCTIMEONLY": ("23:59:60", "00:00:00.001"),
    "UTCTIMESTAMP": ("20261120-06:31:05", "20261120-06:31:05.123", "20261120-06:31:05.123456"),
    "MONTHYEAR": ("202611", "20261120", "202611w2"),
    "DATA": ("\x01", "=\x0110=000\x01", "表示能力", "x" * 300),
}
_TEXTS = ("a", "x=y", "約定 通知", " ", "ﾃｽﾄ①")


def _tree(chance: random.Random, dictionary: FixDictionary, level: Level) -> Fields:
    """Some members of the level, all that are required, and the one that starts a group."""
    left_out = {"347", *dictionary.data_of}  # the charset is the session's, lengths are computed
    tags = [tag for tag in level.members if tag not in left_out]
    wanted = {*chance.sample(tags, min(len(tags), 8)), *level.required, tags[0]}
    fields: Fields = {}
    for tag in sorted(wanted, key=int):
        member = level.members[tag]
        if member.group is None:
            values = sorted(member.codes) or _SAMPLES.get(member.type, _TEXTS)
            fields[tag] = chance.choice(values)
        else:
            group = member.group
            fields[tag] = [_tree(chance, dictionary, group) for _ in range(chance.randint(1, 2))]
    return fields


def test_data_of_a_wrong_length_is_written_as_it_was_read() -> None:
    """It was read as plain text, which may hold signs that its character set lacks."""
    codec = FixFormat(load(installed()))
    data = b"355=\x89^\x82\xcc\x8dl\x01"  # Shift_JIS, part of which is a sign in UTF-8
    (read,) = codec.decode(b"8=FIX.4.4\x019=40\x0135=J\x01347=Shift_JIS\x01354=99\x01" + data + b"10=000\x01")
    assert read.problems
    assert data in codec.encode([read])
