"""Votes on contracts that could never take effect, or not without harm."""

from collections.abc import Mapping

from node.act import short_contract
from node.act_votes import ActivateContract
from node.contract_history import ContractHistory
from node.network import Network
from node.proposals import ActRefusedError


def check_activation(
    act: ActivateContract,
    contracts: ContractHistory,
    installed: Mapping[str, tuple[str, ...]],
    network: Network,
    needed: int,
) -> None:
    """Raise ActRefusedError where too few members have the contract, or it cannot begin as asked.

    needed: how many members must have announced it: as many as must vote for it.
    """
    stopped = contracts.stopped_since
    if stopped is not None and (act.since is not None or act.notice):
        text = f"contracts are stopped since position {stopped}: what is activated judges from there on"
        raise ActRefusedError(f"{text}, so name no position and no notice")
    members = [member.sp for member in network.members]
    without = [sp for sp in members if act.contract not in installed.get(sp, ())]
    if len(members) - len(without) < needed:
        have = len(members) - len(without)
        raise ActRefusedError(
            f"{needed} members must have installed {short_contract(act.contract)}, and {have} have announced"
            f" it: not yet {', '.join(without)}"
        )


def check_stop(contracts: ContractHistory) -> None:
    """Raise ActRefusedError where contracts are stopped already."""
    if (stopped := contracts.stopped_since) is not None:
        raise ActRefusedError(f"contracts are stopped since position {stopped} already")
