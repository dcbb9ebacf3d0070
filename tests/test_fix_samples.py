"""Messages that others wrote: the valid ones come out as they went in, the invalid ones end in problems.

The framing of mutated samples is often stale. So that this alone is not what is found, each invalid sample
is judged a second time with true BodyLength and CheckSum.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.fix import FixFormat
from adapters.fix_dictionary import installed, load

TYPES = {"8", "AE", "J", "P", "AS", "AT", "AK", "AU"}
VALID_KINDS = {"valid", "allfields", "order"}

# Called valid by their kind, and yet no valid FIX 4.4 message.
NOT_VALID = {
    "allfields": "TREASURY is no SecurityType (167) of 4.4, nor ClearingFeeIndicator (635) a field of a side",
    "AE_FIX44_valid_05.fix": "no NoSides (552), which a trade capture report must have",
    "AE_FIX44_valid_07.fix": "no NoSides (552), which a trade capture report must have",
    "AE_FIX44_order_09.fix": "the header stands behind the body",
    "J_FIX44_order_01.fix": "SecurityID (48) without its source (22), and a fund without a quantity (80)",
    "J_FIX44_valid_05.fix": "an empty PartySubID (523), and a PartySubIDType (803) of a later version",
}
VALID_ALLFIELDS = {"AU_FIX44_allfields_01.fix"}  # it has no instrument

# Called invalid, and valid in all but their stale framing.
VALID_NEIGHBOURS = {
    "8_FIX44_invalid_21.fix": "two parties with the same identifier: allowed",
    "AU_FIX44_invalid_01.fix": "no ConfirmRejReason (774), needed only where 940=2, and it is 1",
    "P_FIX44_invalid_01.fix": "no MatchStatus (573), which FIX 4.4 leaves optional",
}

pytestmark = pytest.mark.skipif(not installed().is_file(), reason="quickfix is not installed: no dictionary")


@dataclass(frozen=True)
class Sample:
    """One line of the index beside the samples. framing_sound: BodyLength and CheckSum are true."""

    name: str
    kind: str
    framing_sound: bool
    raw: bytes


@pytest.fixture(scope="module")
def samples(shared_directory: Path) -> list[Sample]:
    found = list(_samples(shared_directory / "samples" / "fix"))
    assert len(found) > 90, "the samples are there, but the index names few of them"
    return found


@pytest.fixture(scope="module")
def fix44() -> FixFormat:
    return FixFormat(load(installed()))


def test_valid_samples_come_back(samples: list[Sample], fix44: FixFormat) -> None:
    """Byte for byte where the framing is true, with true framing otherwise."""
    for sample in samples:
        if sample.kind not in VALID_KINDS:
            continue
        raw = sample.raw if sample.framing_sound else _reframed(sample.raw)
        (read,) = fix44.decode(raw)
        assert _without_padding(fix44.encode([read])) == _without_padding(raw), sample.name
        assert bool(read.problems) == _known_not_valid(sample), (sample.name, read.problems)


def test_stale_framing_is_told(samples: list[Sample], fix44: FixFormat) -> None:
    for sample in samples:
        if not sample.framing_sound:
            assert fix44.decode(sample.raw)[0].problems, sample.name


def test_invalid_samples_end_in_problems(samples: list[Sample], fix44: FixFormat) -> None:
    """Not one of the violations that the samples' authors planted is overlooked."""
    for sample in samples:
        if sample.kind == "invalid":
            assert fix44.decode(sample.raw)[0].problems, sample.name
            (read,) = fix44.decode(_reframed(sample.raw))
            assert bool(read.problems) == (sample.name not in VALID_NEIGHBOURS), sample.name


def test_no_sample_raises(shared_directory: Path, fix44: FixFormat) -> None:
    """Of any version and type: what the session does not speak is told."""
    for path in sorted((shared_directory / "samples" / "fix").glob("*.fix")):
        (read,) = fix44.decode(path.read_bytes())
        fix44.encode([read])
        if "_FIX44_" not in path.name:
            assert read.problems, path.name


def test_other_versions_are_read_with_their_dictionaries(shared_directory: Path) -> None:
    fix42 = FixFormat(load(installed("FIX42.xml")), "FIX.4.2")
    paths = sorted((shared_directory / "samples" / "fix").glob("*_FIX42_valid_*.fix"))
    read = [fix42.decode(path.read_bytes())[0] for path in paths]
    assert [fix42.encode([one]) for one in read] == [path.read_bytes() for path in paths]


@pytest.fixture(scope="module")
def refused(samples: list[Sample]) -> list[Sample]:
    """The samples that quickfix's own parser or validator refuses."""
    engine = pytest.importorskip("quickfix", exc_type=ImportError)
    dictionary = engine.DataDictionary(str(installed()))
    check_framing = (True,)  # SWIG takes no keywords

    def refuses(sample: Sample) -> bool:
        try:
            dictionary.validate(engine.Message(sample.raw.decode("utf-8"), dictionary, *check_framing))
        except (engine.FIXException, RuntimeError):
            return True
        return False

    return [sample for sample in samples if sample.raw.isascii() and refuses(sample)]


def test_quickfix_is_not_stricter(refused: list[Sample], fix44: FixFormat) -> None:
    assert refused
    assert [sample.name for sample in refused if not fix44.decode(sample.raw)[0].problems] == []


def _samples(folder: Path) -> Iterator[Sample]:
    for line in (folder / "index.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 6 and cells[1] in TYPES and "_FIX44_" in cells[2]:
            yield Sample(cells[2], cells[5], cells[6] == "OK", (folder / cells[2]).read_bytes())


def _known_not_valid(sample: Sample) -> bool:
    return sample.name in NOT_VALID or (sample.kind == "allfields" and sample.name not in VALID_ALLFIELDS)


def _reframed(raw: bytes) -> bytes:
    """The message with true BodyLength and CheckSum."""
    body = re.sub(rb"^8=[^\x01]*\x01(9=[^\x01]*\x01)?", b"", raw)
    body = re.sub(rb"\x0110(=[^\x01]*)?\x01?$", b"\x01", body)
    head = b"8=FIX.4.4\x019=%d\x01" % len(body) + body
    return head + b"10=%03d\x01" % (sum(head) % 256)


def _without_padding(raw: bytes) -> bytes:
    """Some samples pad BodyLength with zeros, and the sum with it; both are computed when writing."""
    if not re.search(rb"\x019=0", raw):
        return raw
    return _reframed(raw)
