"""The network file: a wrong one is refused in one sentence that names the file and the place in it."""

import copy
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from founding import BROKER, INVESTOR, PLAN, RIVAL, SERVED, identity_of, keys_of, lei, network

from node.founding_files import own_signature, unsigned, with_file, write_signature
from node.network import Network, NetworkError, load_network, read_network
from node.setup import SetupError, assemble, card_of, sign_card

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
    changed = read_network(written(tmp_path, {**good, "name": "other"}))
    assert changed.id != network().id
    unsigned = {name: value for name, value in good.items() if name != "signatures"}
    assert read_network(written(tmp_path, unsigned)).id == network().id


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
    "institutions.0.nmae: there is no nmae here: do you mean name": changed(
        "institutions", 0, "nmae", to="misspelt"
    ),
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
    "name: it is missing: add it": changed("name", to=None),
    "members.0: .* stands where a table": changed("members", 0, to=3),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_file_is_refused_where_it_is_wrong(tmp_path: Path, good: Tree, fault: str):
    tree = copy.deepcopy(good)
    WRONG[fault](tree)
    with pytest.raises(NetworkError, match=f"network.toml: {fault}") as caught:
        load_network(written(tmp_path, tree))
    assert "\n" not in str(caught.value)


OTHER_SIGNATURE = network().signatures[1].signature

UNSIGNED: dict[str, Callable[[Tree], None]] = {
    "institutions.1.delegations: that to sp2 is not signed by Investor: see `yakujo delegate`": changed(
        "institutions", 1, "delegations", 0, "signature", to=None
    ),
    "institutions.0.delegations: that to sp1 is not signed by Broker: see `yakujo delegate`": changed(
        "institutions", 0, "delegations", 0, "until", to="2027-03-31"
    ),
    "signatures: sp3 has not signed this network: see `yakujo sign`": changed("signatures", 2, to=None),
    "signatures: that of sp1 is for another network: compare": changed(
        "signatures", 0, "signature", to=OTHER_SIGNATURE
    ),
    "signatures: that of sp2 is for another network: compare": changed("signatures", 1, "signature", to="%"),
    "signatures: that of sp1 is for another network": changed("time_zone", to="Europe/London"),
    "signatures: sp9 is not a member": lambda tree: tree["signatures"].append(
        {"sp": "sp9", "signature": OTHER_SIGNATURE}
    ),
}


@pytest.mark.parametrize("fault", UNSIGNED)
def test_a_file_that_is_not_signed_by_all_is_refused(tmp_path: Path, good: Tree, fault: str):
    """A node runs on what all founders and institutions have signed, to the letter."""
    tree = copy.deepcopy(good)
    UNSIGNED[fault](tree)
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


def founders_network() -> Network:
    """The scene's network before its founders have signed it."""
    return network().model_copy(update={"signatures": ()})


def test_founders_sign_in_any_order(tmp_path: Path):
    """Each signs by himself, hands on a small file, and all end with the same network file."""
    for sp in SERVED:
        signature = own_signature(founders_network(), sp, keys_of(sp).signing)
        write_signature(tmp_path / f"{sp}.signature.toml", signature)
    ends = []
    for order in (["sp1", "sp2", "sp3"], ["sp3", "sp1", "sp2", "sp3"]):
        signed = founders_network()
        for sp in order:
            assert sp in unsigned(signed) or order[-1] == sp
            signed = with_file(signed, tmp_path / f"{sp}.signature.toml")
        ends.append(signed)
    assert ends == [network(), network()]


def test_a_signature_that_does_not_belong_is_told(tmp_path: Path):
    """A founder whose plan or cards differ hears of it before anything runs."""
    path = tmp_path / "sp1.signature.toml"
    other = read_network(written(tmp_path, {**founders_tree(), "name": "other"}))
    write_signature(path, own_signature(other, "sp1", keys_of("sp1").signing))
    with pytest.raises(SetupError, match=r"sp1 has signed .*: compare plan and cards with sp1"):
        with_file(founders_network(), path)
    path.write_text(path.read_text().replace(other.id.hex(), network().id.hex()))
    with pytest.raises(SetupError, match="the signature of sp1 is not for this network"):
        with_file(founders_network(), path)
    path.write_text("sp = 1")
    with pytest.raises(SetupError, match="is not a founder's signature"):
        with_file(founders_network(), path)
    with pytest.raises(SetupError, match=r"none.toml cannot be read"):
        with_file(founders_network(), tmp_path / "none.toml")
    with pytest.raises(SetupError, match="sp9 is not a founder"):
        own_signature(network(), "sp9", keys_of("sp1").signing)
    with pytest.raises(SetupError, match="has another key of sp2"):
        own_signature(network(), "sp2", keys_of("sp1").signing)


def founders_tree() -> Tree:
    return founders_network().model_dump(mode="json", exclude_none=True)


def test_cards_need_their_institutions_signatures():
    """Nobody is made a client's SP by a plan."""
    cards = {sp: card_of(sp, keys_of(sp), None) for sp in SERVED}
    with pytest.raises(SetupError, match=f"{BROKER} has not signed every card that names it"):
        assemble(PLAN, cards.values())
    cards["sp1"] = sign_card(cards["sp1"], "elsewhere", identity_of(BROKER))
    for leis in (INVESTOR, RIVAL):
        cards["sp2"] = sign_card(cards["sp2"], "scene", identity_of(leis))
    with pytest.raises(SetupError, match="that to sp1 is not signed by Broker"):
        assemble(PLAN, cards.values())
    with pytest.raises(SetupError, match=f"the card of sp3 asks for no delegation of {BROKER}"):
        sign_card(cards["sp3"], "scene", identity_of(BROKER))
    cards["sp1"] = sign_card(cards["sp1"], "scene", identity_of(BROKER))
    assert assemble(PLAN, cards.values()).name == "scene"
