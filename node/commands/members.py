"""`yakujo members`."""

from rich.console import Console
from rich.table import Table

from node.commands.options import HERE, AsJson, Folder, print_json, screen, settings_in
from node.inspection import reading
from node.membership import ActShown, Membership, membership_of


def members(folder: Folder = HERE, *, as_json: AsJson = False) -> None:
    """Who is in the network, who acts for whom, what is being voted on, and all acts so far.

    As far as this node has applied the ledger. Keys are shown as fingerprints.
    """
    with reading(settings_in(folder)) as view:
        found = membership_of(view)
    if as_json:
        print_json(found)
    else:
        _print(found, screen())


def _print(found: Membership, console: Console) -> None:
    console.print(f"{found.name}, {len(found.members)} members, {found.size} entries", soft_wrap=True)
    console.print(f"network id {found.network}")
    console.print(
        _table(
            ("member", "signs with", "acts for"),
            [(one.sp, one.key, " ".join(one.acts_for) or "-") for one in found.members],
        )
    )
    console.print(
        _table(
            ("institution", "identity", "next statement", "SPs", "name"),
            [
                (
                    one.lei,
                    one.identity,
                    str(one.next_number),
                    ", ".join(f"{d.sp} until {d.until}" if d.until else d.sp for d in one.delegations) or "-",
                    one.name,
                )
                for one in found.institutions
            ],
        )
    )
    for vote in found.pending:
        console.print(f"vote: {vote.act}: said by {', '.join(vote.voted)}, {vote.needed} needed")
    if found.history:
        console.print(
            _table(
                ("position", "by", "day", "act", ""),
                [
                    (str(one.position), one.sp, one.day.isoformat(), one.act, _state(one))
                    for one in found.history
                ],
            )
        )


def _table(names: tuple[str, ...], rows: list[tuple[str, ...]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _state(act: ActShown) -> str:
    if act.fault:
        return f"does not count: {act.fault}"
    return "in effect" if act.in_effect else "a vote"
