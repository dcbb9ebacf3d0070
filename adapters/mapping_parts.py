"""Several native messages that say one thing: their documents, joined into that of the head."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from adapters.format import Decoded
from adapters.mapping_read import FIELD_CHARACTERS_MAX, Given, Origin, Reading, read_one
from adapters.mapping_rules import HERE, MappingFile, PartsRule
from canonical.problems import Problem, Rule, shortened


def gather(
    mapping: MappingFile,
    parts: Sequence[Decoded],
    given: Given,
    wanted: AbstractSet[str],
    *,
    traced: bool = False,
) -> Reading:
    """The document of one native message, or of several that say one thing together, the head first.

    wanted: names of the canonical fields that matter. traced: note where each value came from; only then are
    problems told at the right places.
    """
    whole, *others = (read_one(mapping, part, given, wanted, traced=traced) for part in parts)
    for number, other in enumerate(others, start=2):
        assert mapping.parts is not None, f"{mapping.message} comes in one part"
        _join(mapping.parts, whole, other, f"part {number}: ")
    return whole


def _join(rule: PartsRule, whole: Reading, other: Reading, shown: str) -> None:
    """Add a part: its lists to the lists of the whole, its problems and disagreements to the problems.

    shown: what stands before its places, "part 2: ".
    """
    shifts = {name: len(whole.document.get(name, ())) for name in rule.joined}
    whole.problems += _problems(rule, other, shifts, shown)
    for name in rule.joined:
        whole.document[name] = [*whole.document.get(name, ()), *other.document.get(name, ())]
        if whole.places is not None and other.places is not None:
            whole.places |= {
                _moved(path, shifts): Origin(shown + origin.field, origin.text, origin.line)
                for path, origin in other.places.items()
                if path.startswith(f"{name}/")
            }
    for name in rule.same:
        if whole.document.get(name) != other.document.get(name):
            whole.problems += _differing(whole, other, name, shown)


def _problems(rule: PartsRule, other: Reading, shifts: dict[str, int], shown: str) -> Iterator[Problem]:
    """The problems with a part, but for those with what only the head says."""
    for problem in other.problems:
        head = problem.path.partition(".")[0]
        if head in ("", HERE, *rule.joined, *rule.same):
            path = _moved(problem.path.replace(".", "/"), shifts).replace("/", ".")
            field = (shown + problem.field)[:FIELD_CHARACTERS_MAX]
            yield problem.model_copy(update={"field": field, "path": path})


def _moved(path: str, shifts: dict[str, int]) -> str:
    """A canonical place of a part as it is in the whole: the first fund of the second part is the second."""
    head, _, rest = path.partition("/")
    index, _, tail = rest.partition("/")
    return f"{head}/{int(index) + shifts[head]}/{tail}" if head in shifts and index.isdecimal() else path


def _differing(whole: Reading, other: Reading, name: str, shown: str) -> Iterator[Problem]:
    """A problem for each value below `name` that the part says otherwise than the head; one if not traced."""
    if whole.places is None or other.places is None:
        yield Problem(field=name, rule=Rule.STRUCTURE, text="differs from the first part: read traced to see")
        return
    for path in sorted({*whole.places, *other.places}):
        head, part = whole.places.get(path), other.places.get(path)
        if path.startswith(f"{name}/") and (head.text if head else "") != (part.text if part else ""):
            place = part or head
            assert place is not None
            said = shortened(head.text) if head else "nothing"
            yield Problem(
                field=(shown + place.field)[:FIELD_CHARACTERS_MAX],
                value=shortened(part.text) if part else "",
                rule=Rule.STRUCTURE,
                text=f"the first part says {said}: let all parts of one trade say the same",
                path=path.replace("/", "."),
                line=place.line,
            )
