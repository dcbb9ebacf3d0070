"""Grants by which sp3 is let into what the broker and the investor have said."""

from forging import entries
from founding import INVESTOR, keys_of, network
from scene import Node

from node.day_secret import DaySecret
from node.entry import GrantEntry, KeyEntry
from node.sealing import grant_secret, open_secret


def secrets(node: Node) -> list[DaySecret]:
    """All secrets of the ledger that sp1 can open, in order."""
    found = [one.entry for one in entries(node) if isinstance(one.entry, KeyEntry)]
    opened = [open_secret(entry, network().id, keys_of("sp1").opening_keys(entry.day)) for entry in found]
    return [one.secret for one in opened if one is not None]


def grants(node: Node) -> list[GrantEntry]:
    """What gives sp3 all that has been said."""
    reader = keys_of("sp3", (INVESTOR,)).institutions[INVESTOR].encryption.public
    return [grant_secret(secret, reader) for secret in secrets(node)]
