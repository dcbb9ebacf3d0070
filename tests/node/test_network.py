"""The network file: a wrong one is refused in one sentence that names the file and the place in it."""

import copy
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from founding import BROKER, INVESTOR, RIVAL, lei, network

from node.network import NetworkError, load_network
from node.setup import SetupError, assemble

Tree = dict[str, Any]


@pytest.fixture(scope="module")
def good() -> Tree:
    return network().model_dump(mode="json", exclude_none=True)


def written(folder: Path, tree: Tree) -> Path:
    path = folder / "network.toml"
    path.write_text(tomli_w.dumps(tree))
    return path


def test_a_good_file_has_the_same_id_everywhere(tmp_path: Path, good: Tree):
    """The id is of what the file says, not of how it is written: comments and order do not count."""
    path = written(tmp_path, dict(reversed(good.items())))
    path.write_text("# ours\n" + path.read_text())
    assert load_network(path).id == network().id
    changed = load_network(written(tmp_path, {**good, "name": "other"}))
    assert changed.id != network().id


def changed(*path: str | int, to: Any) -> Callable[[Tree], None]:
    def change(tree: Any) -> None:
        for step in path[:-1]:
            tree = tree[step]
        if to is None:
            del tree[path[-1]]
        else:
            tree[path[-1]] = to

    return change


KEY = network().members[0].signing_key

WRONG: dict[str, Callable[[Tree], None]] = {
    "members.0.signing_key: ": changed("members", 0, "signing_key", to="short"),
    "members.1.sp: sp1 stands twice": changed("members", 1, "sp", to="sp1"),
    "members.1.signing_key: .* stands twice": changed("members", 1, "signing_key", to=KEY),
    "members.0.sp: ": changed("members", 0, "sp", to="SP One"),
    "members: ": changed("members", to=[]),
    "replicas: ": changed("replicas", to=2),
    "time_zone: Asia/Atlantis": changed("time_zone", to="Asia/Atlantis"),
    "institutions.0.lei: .*check digit": changed("institutions", 0, "lei", to=BROKER[:-1] + "0"),
    "institutions.1.lei: .* stands twice": changed("institutions", 1, "lei", to=BROKER),
    "institutions.1.bic: BRKAJPJT stands twice": changed("institutions", 1, "bic", to="BRKAJPJT"),
    "institutions.0.role: ": changed("institutions", 0, "role", to="bank"),
    "institutions.0.nmae: ": changed("institutions", 0, "nmae", to="misspelt"),
    "institutions.0.delegations.0.sp: sp9 is not a member": changed(
        "institutions", 0, "delegations", 0, "sp", to="sp9"
    ),
    "institutions.0.delegations.0.encryption_key: ": changed(
        "institutions", 0, "delegations", 0, "encryption_key", to=KEY
    ),
    "relationships.0.broker: .* is not among": changed("relationships", 0, "broker", to=lei("NOBODY")),
    "relationships.0.broker: .* is a investor": changed("relationships", 0, "broker", to=RIVAL),
    "relationships.1.investor: .* stands twice": changed("relationships", 1, "investor", to=INVESTOR),
    "securities.1.isin: .* stands twice": changed("securities", 1, "isin", to="JP3633400001"),
    "securities.0.isin: ": changed("securities", 0, "isin", to="JP3633400002"),
    "funds.1.account: .* stands twice": changed("funds", 1, "account", "code", to="F1"),
    "funds.0.investor: .* is a broker": changed("funds", 0, "investor", to=BROKER),
    "name: ": changed("name", to=None),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_file_is_refused_where_it_is_wrong(tmp_path: Path, good: Tree, fault: str):
    tree = copy.deepcopy(good)
    WRONG[fault](tree)
    with pytest.raises(NetworkError, match=f"network.toml: {fault}") as caught:
        load_network(written(tmp_path, tree))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"name = \xff", b"name = ", b"[[members]\n"])
def test_bytes_that_are_no_toml_are_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "network.toml"
    path.write_bytes(content)
    with pytest.raises(NetworkError, match=r"network\.toml is not TOML"):
        load_network(path)


def test_a_missing_file_is_told(tmp_path: Path):
    with pytest.raises(NetworkError, match=r"absent.toml cannot be read: No such file"):
        load_network(tmp_path / "absent.toml")


def test_a_plan_that_does_not_fit_the_cards_is_told():
    """Founders hear what is wrong before there is a network file."""
    plan = tomllib.loads(f'name = "x"\nreplicas = 3\n[[institutions]]\nlei = "{BROKER}"\nrole = "broker"')
    with pytest.raises(SetupError, match=f"no member's card has a delegation of {BROKER}"):
        assemble(plan, [])
    with pytest.raises(SetupError, match="members: "):
        assemble({"name": "x", "replicas": 3}, [])
