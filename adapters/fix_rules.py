"""The conditional rules of the allocation and confirmation messages, which no data dictionary holds.

Source: the field tables of FIX 4.4 volume 5, "Required if" and "Conditionally required" of each message.
Sums and amounts are not here: they are checked on the canonical message.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from adapters.format import Fields

ANY: frozenset[str] = frozenset()  # every value


@dataclass(frozen=True, slots=True)
class Needs:
    """Where a level holds all of `when`, it must hold `tags` as well.

    group: the level as a path of count tags: "" the message, "78" each allocation, "78/85" each delivery.
    when: tag -> values that call for `tags`; ANY for every value. Empty: always.
    tags: what must be there; under a condition, "88|78" is satisfied by either.
    reason: ends the sentence "… is required".
    """

    group: str
    when: Mapping[str, frozenset[str]]
    tags: tuple[str, ...]
    reason: str

    def missing(self, fields: Fields) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The reason, and the alternatives of each tag that an entry of the level lacks."""
        for tag, values in self.when.items():
            if tag not in fields or (values and fields[tag] not in values):
                return
        for wanted in self.tags:
            alternatives = tuple(wanted.split("|"))
            if fields.keys().isdisjoint(alternatives):
                yield self.reason, alternatives


@dataclass(frozen=True, slots=True)
class LevelRules:
    """The rules of one level and of the groups inside it, arranged so that a sound message costs little.

    constant: rules without a condition; always: the tags that they demand.
    conditional: the tag that must be there for a rule to apply, with the rule.
    inside: count tag -> rules of the entries of that group.
    """

    constant: tuple[Needs, ...]
    always: frozenset[str]
    conditional: tuple[tuple[str, Needs], ...]
    inside: Mapping[str, "LevelRules"]

    def missing(self, fields: Fields) -> list[tuple[str, tuple[str, ...]]]:
        """What `fields` lacks: the reason, and the alternatives of the tag."""
        called = [rule for tag, rule in self.conditional if tag in fields]
        if not self.always <= fields.keys():
            called += self.constant
        return [found for rule in called for found in rule.missing(fields)]


def arranged(rules: Iterable[Needs], group: str = "") -> LevelRules:
    """The `rules` of the level `group` and of the levels inside it."""
    found = tuple(rules)
    here = [rule for rule in found if rule.group == group]
    start = f"{group}/" if group else ""
    inside = {rule.group.removeprefix(start).split("/")[0] for rule in found if rule.group.startswith(start)}
    constant = tuple(rule for rule in here if not rule.when)
    return LevelRules(
        constant,
        frozenset(tag for rule in constant for tag in rule.tags),
        tuple((next(iter(rule.when)), rule) for rule in here if rule.when),
        {tag: arranged(found, start + tag) for tag in sorted(inside) if tag},
    )


def _codes(codes: str) -> frozenset[str]:
    return frozenset(codes.split())


_IDENTIFIED = (
    Needs("", {"48": ANY}, ("22",), "where SecurityID (48) is sent, to say what kind of code it is"),
)

_ORDERS = (
    Needs("", {"857": _codes("1")}, ("73",), "where AllocNoOrdersType (857) is 1"),
    Needs("73", {}, ("11",), 'in each order ("MANUAL" where there was none)'),
)

_BLOCK = (
    Needs("", {"196": ANY}, ("197",), "where AllocLinkID (196) is sent"),
    Needs("", {"893": _codes("N")}, ("892",), "where further fragments follow (893=N)"),
    Needs("124", {}, ("32", "31"), "in each execution"),
    Needs("78", {}, ("79", "80"), "in each allocation"),
    Needs("78", {"119": ANY}, ("120",), "where SettlCurrAmt (119) is sent"),
    Needs("78", {"737": ANY}, ("736",), "where AllocSettlCurrAmt (737) is sent"),
    Needs("78", {"736": ANY}, ("737",), "where AllocSettlCurrency (736) is sent"),
    Needs("78", {"12": ANY}, ("13",), "where Commission (12) is sent"),
    Needs("78/136", {}, ("137", "139"), "in each fee"),
)


def _settlement(group: str) -> tuple[Needs, ...]:
    """Settlement instructions (component SettlInstructionsData) of the level `group`."""
    inside = f"{group}/" if group else ""
    return (
        Needs(group, {"780": _codes("2")}, ("172", "85"), "where the instructions are given in full (780=2)"),
        Needs(
            group,
            {"780": _codes("3")},
            ("169", "170"),
            "where a standing-instruction database is named (780=3)",
        ),
        Needs(f"{inside}85", {}, ("165", "787"), "in each delivery instruction"),
        Needs(f"{inside}85/781", {}, ("782", "783", "784"), "in each settlement party"),
        Needs(f"{inside}85/781/801", {}, ("785", "786"), "in each settlement party's sub-identifier"),
    )


def _acknowledged(kind: str, to_intermediary: str) -> tuple[Needs, ...]:
    """Rules of P and AT, which name the kind of the message that they answer in the tag `kind`."""
    return (
        Needs("", {"87": _codes("1")}, ("88",), "where the block is rejected (87=1)"),
        Needs("", {"87": _codes("2")}, ("88|78",), "where accounts are rejected (87=2)"),
        Needs(
            "",
            {kind: _codes(to_intermediary)},
            ("808",),
            f"where the request goes to an intermediary ({kind}=8)",
        ),
        Needs("78", {}, ("79", "776"), "in each account that is listed"),
    )


_NEEDS: Mapping[str, tuple[Needs, ...]] = {
    "8": _IDENTIFIED,
    "AE": _IDENTIFIED,
    "J": (
        Needs(
            "",
            {"71": _codes("1 2")},
            ("72", "796"),
            "where an instruction is replaced or cancelled (71=1, 71=2)",
        ),
        Needs(
            "", {"71": _codes("0 1"), "626": _codes("1 2 8")}, ("78",), "except for cancel and ready-to-book"
        ),
        Needs("", {"626": _codes("8")}, ("808",), "where the request goes to an intermediary (626=8)"),
        *_IDENTIFIED,
        *_ORDERS,
        *_BLOCK,
        *_settlement("78"),
    ),
    "P": _acknowledged("626", "8"),
    "AS": (
        Needs(
            "",
            {"71": _codes("1 2")},
            ("795", "796", "72"),
            "where a report is replaced or cancelled (71=1, 71=2)",
        ),
        Needs(
            "",
            {"71": _codes("0 1"), "794": _codes("3 4 8")},
            ("78",),
            "except for cancel and warehouse recap",
        ),
        Needs("", {"87": _codes("1")}, ("88",), "where the block is rejected (87=1)"),
        Needs("", {"794": _codes("8")}, ("808",), "where the request goes to an intermediary (794=8)"),
        *_IDENTIFIED,
        *_ORDERS,
        *_BLOCK,
        *_settlement("78"),
    ),
    "AT": _acknowledged("794", "8"),
    "AK": (
        Needs(
            "",
            {"666": _codes("1 2")},
            ("772",),
            "where a confirmation is replaced or cancelled (666=1, 666=2)",
        ),
        Needs("", {"119": ANY}, ("120",), "where SettlCurrAmt (119) is sent"),
        Needs("", {"12": ANY}, ("13",), "where Commission (12) is sent"),
        Needs("73", {}, ("11",), 'in each order ("MANUAL" where there was none)'),
        Needs("136", {}, ("137", "139"), "in each fee"),
        *_IDENTIFIED,
        *_settlement(""),
    ),
    "AU": (Needs("", {"940": _codes("2")}, ("774",), "where the confirmation is rejected (940=2)"),),
}

RULES: Mapping[str, LevelRules] = {message: arranged(needs) for message, needs in _NEEDS.items()}
NO_RULES = arranged(())
