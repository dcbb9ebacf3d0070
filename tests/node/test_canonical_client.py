"""A client that speaks the canonical layout, of another service provider than the broker, who speaks FIX."""

import json
from pathlib import Path
from typing import Any

from founding import BROKER, INVESTOR, RIVAL, client
from messages import report
from scene import Node, digest, in_folder, running

from canonical.answer import Answer, AnswerStatus
from canonical.message import MESSAGE, Kind
from node.memory_ledger import MemoryLedger
from node.settings import ClientSettings


def speaking_json(name: str, **more: Any) -> ClientSettings:
    """A client of the scene, with the layout in place of its format and its mappings."""
    usual = client(name).model_dump(exclude={"format", "mappings", "reads", "copies"})
    return ClientSettings.model_validate({**usual, "format": "canonical", **more})


def calculation(reference: str, order: str, investor: str = INVESTOR) -> bytes:
    """The investor's figures: those of `report`."""
    price = {"value": "2845.5", "currency": "JPY"}
    rows = (("F1", 20000, 56910, 5691), ("F2", 10000, 28455, 2845))
    funds = [
        {
            "account": {"code": code, "scheme": "proprietary"},
            "quantity": str(quantity),
            "price": price,
            "commission": {"amount": str(commission), "currency": "JPY"},
            "consumption_tax": {"amount": str(tax), "currency": "JPY"},
            "net": {"amount": str(quantity * 28455 // 10 + commission + tax), "currency": "JPY"},
        }
        for code, quantity, commission, tax in rows
    ]
    terms = {"side": "buy", "instrument": {"isin": "JP3633400001"}}
    message = {
        "kind": "investor_calculation",
        "reference": reference,
        "broker": {"lei": BROKER},
        "investor": {"lei": investor},
        "links": [{"kind": "client_order", "value": order}],
        "terms": {**terms, "trade_date": "2026-11-20", "settlement_date": "2026-11-25"},
        "block": {"quantity": "30000", "price": price},
        "funds": funds,
    }
    return json.dumps({"messages": [message]}).encode()


def answers(node: Node, name: str) -> list[Answer]:
    """What a client was told, but for copies."""
    sent = [delivery for delivery in node.link.sent if delivery.client == name and delivery.kind != "copy"]
    return [Answer.model_validate_json(delivery.raw) for delivery in sent]


async def test_it_agrees_with_who_speaks_another_format(tmp_path: Path):
    """Each hears in its own; answers and copies are the canonical objects themselves."""
    scene = in_folder(tmp_path, MemoryLedger())
    scene.sp2.clients = (speaking_json("investor", copies={Kind.CONFIRMATION: "canonical"}),)
    async with running(scene):
        await scene.sp1.arrives("broker", report("B1", order="T1"))
        await scene.settled()
        raw = calculation("K1", "T1")
        await scene.sp2.arrives("investor", raw)
        await scene.settled()
        told = answers(scene.sp2, "investor")
        assert [answer.status for answer in told] == [AnswerStatus.RECEIVED, AnswerStatus.MATCHED]
        assert {source.raw for answer in told for source in answer.to} == {digest(raw)}
        [copy] = [delivery.raw for delivery in scene.sp2.link.sent if delivery.kind == "copy"]
        assert MESSAGE.validate_json(copy).kind is Kind.CONFIRMATION
        assert any(b"\x0135=AT\x01" in d.raw and b"\x0187=0\x01" in d.raw for d in scene.sp1.link.sent)


async def test_nobody_speaks_for_others(tmp_path: Path):
    """What is said for another institution is refused before it is sealed for anybody."""
    scene = in_folder(tmp_path, MemoryLedger())
    scene.sp2.clients = (speaking_json("investor"),)
    async with running(scene):
        await scene.sp2.arrives("investor", calculation("K1", "T1", investor=RIVAL))
        await scene.settled()
        [told] = answers(scene.sp2, "investor")
        assert (told.status, [p.rule for p in told.problems]) == (AnswerStatus.REFUSED, ["not_allowed"])
        assert told.problems[0].field == "/messages/0/investor"
        assert scene.sp2.rows("SELECT COUNT(*) FROM said") == [(0,)]


async def test_a_backup_hears_what_was_said_elsewhere(tmp_path: Path):
    """Nothing has to be guessed of how it was said: the answers are the same objects."""
    served = {"sp1": (BROKER, INVESTOR), "sp2": (INVESTOR, RIVAL), "sp3": ()}
    scene = in_folder(tmp_path, MemoryLedger(), {"sp1": ["broker"]}, served)
    scene.sp1.clients = (*scene.sp1.clients, speaking_json("investor"))
    scene.sp2.clients = (speaking_json("investor", backup=True),)
    async with running(scene):
        await scene.sp1.arrives("broker", report("B1", order="T1"))
        await scene.sp1.arrives("investor", calculation("K1", "T1"))
        await scene.settled()
        assert answers(scene.sp2, "investor") == []
        await scene.sp2.arrives("investor", calculation("K2", "T2"))
        await scene.settled()
        here, there = answers(scene.sp2, "investor"), answers(scene.sp1, "investor")
        assert there
        assert {answer.id for answer in there} <= {answer.id for answer in here}
