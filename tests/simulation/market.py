"""What a run of the nodes is made of, all drawn from one seed: who sends what when, and what goes wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from founding import BROKER, INVESTOR, RIVAL
from messages import block, file, report
from mortal import Death, Moment
from scene import DAY

from node.memory_ledger import Faults

TRADES = 6
SECONDS = 40.0  # in which clients send
TOPOLOGIES: tuple[Mapping[str, tuple[str, ...]], ...] = (
    {"sp1": (BROKER,), "sp2": (INVESTOR, RIVAL), "sp3": ()},
    {"sp1": (BROKER,), "sp2": (INVESTOR, RIVAL), "sp3": (INVESTOR,)},  # one investor through two SPs
    {"sp1": (BROKER, RIVAL), "sp2": (INVESTOR,), "sp3": (BROKER, INVESTOR)},  # sp1 has both sides of some
)
CLIENTS = {BROKER: "broker", INVESTOR: "investor", RIVAL: "rival"}


@dataclass(frozen=True)
class Sent:
    """What a client sends: after so many seconds from what it sent before. refused: by its own SP."""

    after: float
    raw: bytes
    origin: str
    refused: bool = False


@dataclass(frozen=True)
class Plan:
    """A run. served: institutions by SP. sends: by SP and client.

    deaths: by SP, each with seconds until the node is started again. turns: by SP, when it sees the next day
    begin. wait: of the relationships' rules. backup: whether clients hear at one SP of what they sent at
    another.
    """

    seed: int
    served: Mapping[str, tuple[str, ...]]
    sends: Mapping[tuple[str, str], tuple[Sent, ...]]
    deaths: Mapping[str, tuple[tuple[Death, float], ...]]
    turns: Mapping[str, float]
    faults: Faults
    wait: int | None
    backup: bool

    def chance(self, of: str) -> Random:
        """The chance of one part of the run: others do not change it."""
        return Random(f"{self.seed} {of}")


def plan(seed: int) -> Plan:
    """The run of a seed."""
    chance = Random(seed)
    served = chance.choice(TOPOLOGIES)
    return Plan(
        seed=seed,
        served=served,
        sends=_sends(chance, served),
        deaths={sp: _deaths(chance) for sp in served},
        turns={sp: chance.uniform(SECONDS / 2, SECONDS / 2 + 3) for sp in served},
        faults=_faults(chance),
        wait=chance.choice([None, 2, 20]),
        backup=chance.choice([False, True]),
    )


def _faults(chance: Random) -> Faults:
    often = [chance.choice([0.0, 0.1, 0.3]) for _ in range(4)]
    return Faults(*often[:3], delay=chance.choice([0.001, 0.2]), late=often[3])


def _deaths(chance: Random) -> tuple[tuple[Death, float], ...]:
    """Up to six, near one another or far apart; most are over at once."""
    most = chance.choice([15, 60])
    return tuple(
        ((chance.randint(1, most), chance.choice(list(Moment))), chance.choice([0.0, 0.0, 1.0, 30.0]))
        for _ in range(chance.randint(0, 6))
    )


def _sends(chance: Random, served: Mapping[str, tuple[str, ...]]) -> dict[tuple[str, str], tuple[Sent, ...]]:
    """Every trade is said by both sides, each through an SP of its choice, now and then more than once."""
    said: dict[tuple[str, str], list[Sent]] = {}
    for number in range(TRADES):
        investor = chance.choice([INVESTOR, INVESTOR, RIVAL])
        for lei, words in ((BROKER, _reported(chance, number, investor)), (investor, _filed(chance, number))):
            sps = [sp for sp, institutions in served.items() if lei in institutions]
            for raw, refused in words:
                lane = said.setdefault((chance.choice(sps), CLIENTS[lei]), [])
                lane.append(Sent(_pause(chance), raw, f"{number}/{len(lane)}", refused))
                if chance.random() < 0.1:  # the transport says it again
                    lane.append(lane[-1])
    return {at: tuple(lane) for at, lane in said.items()}


def _pause(chance: Random) -> float:
    return chance.choice([0.0, 0.001, chance.uniform(0, 0.1), chance.uniform(0, SECONDS / TRADES)])


def _reported(chance: Random, number: int, investor: str) -> list[tuple[bytes, bool]]:
    """A broker's report; perhaps again, with other figures under its reference, or of no known security."""
    bic = {INVESTOR: "ASMGJPJT", RIVAL: "RIVLJPJT"}[investor]
    words = [(report(f"B-{number}", investor=bic), False)]
    if chance.random() < 0.2:
        words.append(words[0])
    if chance.random() < 0.2:
        words.append((report(f"B-{number}", investor=bic, commission="1"), False))
    if chance.random() < 0.2:
        words.append((report(f"B-X{number}", investor=bic, isin="JP3496400007"), True))
    return words


def _filed(chance: Random, number: int) -> list[tuple[bytes, bool]]:
    """An investor's file about the same trade; perhaps with another commission, again, or with a mistake."""
    commission = chance.choice(["56910", "56910", "56911"])
    words = [(file(block(f"A-{number}", order=f"B-{number}", commission=commission)), False)]
    if chance.random() < 0.2:
        words.append(words[0])
    if chance.random() < 0.2:
        words.append((file(block(f"A-X{number}", fund="F9")), True))
    return words


NEXT_DAY = DAY + timedelta(days=1)
