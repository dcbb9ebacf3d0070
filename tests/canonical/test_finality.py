"""Answers that are not final: marked in words, under ids of their own, without a figure cut."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from canonical.answer import ID_CHARACTERS_MAX, Answer, AnswerStatus, Finality, FundAnswer
from canonical.answer_text import TEXT_CHARACTERS_MAX, pieces_of, shortened_text
from canonical.difference_words import difference_text
from canonical.finality import with_finality
from canonical.identifiers import FundAccount
from canonical.message import Kind, Role
from canonical.problems import Problem, Rule
from canonical.result import Difference, Source, Status
from canonical.rules import Rules

FIGURES = ("56910", "56900")
UNSURE = (Finality.PROVISIONAL, Finality.WITHDRAWN)


def answer(differences: int = 1) -> Answer:
    """An answer about a fund in which so many figures differ."""
    differs = (Difference(field="commission", broker=FIGURES[0], investor=FIGURES[1]),) * differences
    text = difference_text(differs)
    return Answer(
        id="0123456789abcdef" * 2 + "-10",
        outcome="0123456789abcdef" * 2,
        to=(Source(author=Role.BROKER, kind=Kind.CONFIRMATION, reference="R1", raw="b" * 64),),
        status=AnswerStatus.FUNDS_MISMATCHED,
        trade_date=date(2026, 11, 20),
        funds=(FundAnswer(account=FundAccount(code="F1"), status=Status.MISMATCHED, text=text),),
        problems=(Problem(field="x", rule=Rule.SUM, text="correct it " * 46),),
        text=shortened_text(f"fund F1: {text}"),
    )


def test_final_is_the_answer_as_it_is():
    """What confirms a provisional answer is the final one itself: same id, same words."""
    assert with_finality(answer(), Finality.FINAL) == answer()
    assert answer().finality is Finality.FINAL


@pytest.mark.parametrize("finality", UNSURE)
def test_every_text_begins_with_the_word(finality: Finality):
    """Whoever reads any text of it, of a fund or of a problem too, reads first what it is."""
    marked = with_finality(answer(), finality)
    texts = [marked.text, *(f.text for f in marked.funds), *(p.text for p in marked.problems)]
    assert all(text.startswith(f"{finality.value}: ") for text in texts)
    assert "funds_mismatched" in marked.text
    assert "fund F1 MISM" in marked.funds[0].text
    assert marked.finality is finality


def test_each_finality_has_an_id_of_its_own():
    """They are delivered one after the other; none is taken for a repetition of another."""
    ids = {with_finality(answer(), finality).id for finality in Finality}
    assert len(ids) == len(Finality)
    assert all(len(name) <= ID_CHARACTERS_MAX and re.fullmatch(r"[0-9a-z-]+", name) for name in ids)


@pytest.mark.parametrize("finality", Finality)
@pytest.mark.parametrize("differences", [1, 13, 14, 15, 16, 17, 18, 19, 20, 40])
def test_marked_answer_is_sound_and_cuts_no_figure(differences: int, finality: Finality):
    """However long the text: it fits, and each figure in it is one of those that differ, whole."""
    marked = with_finality(answer(differences), finality)
    assert Answer.model_validate_json(marked.model_dump_json()) == marked
    for text in (marked.text, marked.funds[0].text):
        assert finality is Finality.FINAL or len(text) <= TEXT_CHARACTERS_MAX
        assert set(re.findall(r"[0-9]{2,}", text)) <= set(FIGURES)


@given(st.text(st.sampled_from("0123456789.,; aé約"), max_size=400), st.integers(10, 300))
def test_shortened_text_cuts_between_words(text: str, room: int):
    """What is left of a text are its own words; one that is too long for any field may lose its end."""
    short = shortened_text(text, room)
    assert len(short) <= room
    if len(text) <= room:
        assert short == text
        return
    kept, _, left_out = short.rpartition("…")
    kept = kept.removesuffix(" ") if left_out else kept.rstrip()
    assert text.startswith(kept)
    if left_out:  # what is said is left out whole, and counted
        assert left_out == f" {len(text.split('; ')) - len(kept.split('; '))} more: see yakujo trace"
        assert text.split("; ")[: len(kept.split("; "))] == kept.split("; ")
    rest = text[len(kept) :]
    assert not (re.search(r"[0-9]$", kept) and re.match(r"[0-9]", rest))


@given(st.text(st.sampled_from("0123456789.,; aé約"), max_size=900), st.integers(70, 300))
def test_pieces_hold_all_of_a_text(text: str, room: int):
    """What goes on in another field is all there, in order, and no word of it is cut that fits."""
    pieces = pieces_of(text, room)
    assert all(len(piece) <= room for piece in pieces)
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")
    if all(len(word) <= 64 for word in text.split(" ")):
        assert [word for piece in pieces for word in piece.split()] == text.split()


def test_marked_once():
    """A mark on a mark would say two things at once: only a bug does it."""
    with pytest.raises(AssertionError, match="before"):
        with_finality(with_finality(answer(), Finality.PROVISIONAL), Finality.WITHDRAWN)


@pytest.mark.parametrize("seconds", [0, -1, 86_401])
def test_wait_has_limits(seconds: int):
    """A wait of nothing would make every result provisional; one of days nobody watches."""
    with pytest.raises(ValidationError):
        Rules(provisional_after_seconds=seconds)


def test_wait_is_none_unless_agreed():
    """Without a rule nothing is ever told before the other side's node has confirmed it."""
    assert Rules().provisional_after_seconds is None
    assert Rules(provisional_after_seconds=86_400).provisional_after_seconds == 86_400
