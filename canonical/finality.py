"""Answers that are not final: they say so in every text, under an id of their own."""

from canonical.answer import ID_CHARACTERS_MAX, Answer, Finality, FundAnswer
from canonical.answer_text import shortened_text
from canonical.problems import Problem

_PROBLEM_CHARACTERS_MAX = 512  # of Problem.text
_SUFFIX = {Finality.PROVISIONAL: "-p", Finality.WITHDRAWN: "-w"}
_WORDS = {
    Finality.PROVISIONAL: "provisional: the other side's node has not confirmed this yet; ",
    Finality.WITHDRAWN: "withdrawn: no longer valid; it said: ",
}
_WORDS_JA = {
    Finality.PROVISIONAL: "仮結果(相手方ノード未確認): ",
    Finality.WITHDRAWN: "撤回済(無効、内容は次のとおり): ",
}


def with_finality(answer: Answer, finality: Finality) -> Answer:
    """A final `answer` as one of this finality, under an id of its own.

    What is confirmed later is confirmed by the final answer itself, so that stays as it is. The others say in
    every text what they are, and their status: a format's code for it may have to give way.
    """
    assert answer.finality is Finality.FINAL, f"{answer.id} has been made {answer.finality} before"
    if finality is Finality.FINAL:
        return answer
    name, words = answer.id + _SUFFIX[finality], _WORDS[finality]
    assert len(name) <= ID_CHARACTERS_MAX, f"{name} is too long"
    update = {
        "id": name,
        "finality": finality,
        "text": _marked(words, answer.status.value, answer.text),
        "text_ja": _marked_ja(_WORDS_JA[finality], answer.text_ja),
        "summary": _marked(words, answer.status.value, answer.summary) if answer.summary else "",
        "summary_ja": _marked_ja(_WORDS_JA[finality], answer.summary_ja),
        "funds": tuple(_marked_fund(fund, words, _WORDS_JA[finality]) for fund in answer.funds),
        "problems": tuple(_marked_problem(problem, words) for problem in answer.problems),
    }
    return answer.model_copy(update=update)


def _marked_fund(fund: FundAnswer, words: str, words_ja: str) -> FundAnswer:
    text = _marked(words, f"fund {fund.account.code} {fund.status}", fund.text)
    return fund.model_copy(update={"text": text, "text_ja": _marked_ja(words_ja, fund.text_ja)})


def _marked_ja(words: str, text: str) -> str:
    return shortened_text(words + text) if text else ""


def _marked_problem(problem: Problem, words: str) -> Problem:
    text = shortened_text(words + problem.text, _PROBLEM_CHARACTERS_MAX)
    return problem.model_copy(update={"text": text})


def _marked(words: str, status: str, text: str) -> str:
    return shortened_text(words + "; ".join(filter(None, (status, text))))
