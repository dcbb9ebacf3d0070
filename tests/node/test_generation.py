"""A new generation: no member helps a ledger on that is not its own, nothing begins without a majority."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from archives import ROUNDS, Stopped, alter, begin, founded, have, signers, traffic

from node.act import Act, AdmitMember, RemoveMember, ReplaceMemberKey
from node.generation import GenerationError, generation_file, generation_in, read_generation
from node.keys import signing_text
from node.network import Member
from node.rebuild import enter, look, propose, sign
from node.settings import EmbeddedLedger, ExternalLedger, SettingsError
from node.startup import alone, in_generation, server_settings


@pytest.fixture
def members(tmp_path: Path) -> dict[str, Stopped]:
    """Three members that have archived the same."""
    made = founded(tmp_path, "sp1", "sp2", "sp3")
    have(made, traffic(made.values(), ROUNDS))
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """What is passed between operators."""
    return tmp_path / "statement.toml"


def test_more_than_half_begin_it_and_all_enter_it(members: dict[str, Stopped], file: Path):
    """Two of three sign, the third takes it as it is; each server's old data is kept and can be found."""
    for member in members.values():
        store = member.folder / "data" / "nats" / "store"
        store.mkdir(parents=True)
        (store / "old").write_text(member.sp)
    said = propose(members["sp1"].settings, file).statement
    _, archive = look(members["sp1"].settings)
    assert (said.generation, said.sequence) == (2, 3 * ROUNDS + 1)
    assert (said.size, said.root, said.blocks) == (archive.size, archive.root, archive.blocks)
    with pytest.raises(GenerationError, match="signed by sp1, and 2 of sp1, sp2 and sp3 must sign"):
        enter(members["sp1"].settings, file)
    assert signers(sign(members["sp2"].settings, file)) == ["sp1", "sp2"]
    for member in members.values():
        done = enter(member.settings, file)
        assert done.aside is not None
        assert (done.aside / "store" / "old").read_text() == member.sp
        assert not (member.folder / "data" / "nats").exists()
        assert look(member.settings)[0] == 2
    assert enter(members["sp1"].settings, file).aside is None, "nothing is moved twice"


def test_servers_of_two_generations_never_meet(members: dict[str, Stopped], file: Path):
    """Streams and clusters have other names in each: an old server that comes back changes nothing."""
    member = members["sp1"]
    chosen = member.settings.ledger
    assert isinstance(chosen, EmbeddedLedger)
    secret = member.folder / "cluster.secret"
    secret.touch(mode=0o600)
    secret.write_text("0123456789abcdef")
    chosen = chosen.model_copy(update={"cluster_secret_file": secret})
    before = server_settings(member.settings, chosen, member.network).cluster
    assert in_generation("LEDGER", None) == "LEDGER"
    begin(members, file)
    assert server_settings(member.settings, chosen, member.network).cluster == f"{before}-2"
    assert in_generation("LEDGER", read_generation(file)) == "LEDGER-2"


ALTERED = {
    "generation": 3,
    "sequence": 45,
    "size": 1,
    "root": "00" * 32,
    "blocks": "ff" * 32,
}


@pytest.mark.parametrize("field", ALTERED)
def test_an_altered_statement_is_refused(members: dict[str, Stopped], file: Path, field: str):
    """By who is to sign, by who is to enter, and at a node's start."""
    begin(members, file)
    kept = generation_file(members["sp3"].settings.network_file)
    for path in (file, kept):
        alter(path, "statement", field, value=ALTERED[field])
    for step in (sign, enter):
        with pytest.raises(
            GenerationError, match="signature of sp1 is not of this statement: it was altered"
        ):
            step(members["sp2"].settings, file)
    with pytest.raises(GenerationError, match="it was altered"):
        generation_in(kept, members["sp3"].network)


def test_a_statement_of_another_network_is_refused(members: dict[str, Stopped], file: Path, tmp_path: Path):
    strangers = founded(tmp_path / "strangers", "sp1", "sp2", plan_name="strangers")
    have(strangers, traffic(strangers.values(), 3))
    propose(strangers["sp1"].settings, file)
    sign(strangers["sp2"].settings, file)
    for step in (sign, enter):
        with pytest.raises(GenerationError, match="is of another network, with the id"):
            step(members["sp2"].settings, file)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda file: alter(file, "signatures", 0, "sp", value="sp9"), "signed by sp9, which is no member"),
        (lambda file: alter(file, "signatures", 0, "sp", value="sp3"), "signature of sp3 is not of this"),
        (lambda file: alter(file, "signatures", 0, "signature", value="not base64!"), "it was altered"),
        (lambda file: alter(file, "acts", value=["AAAA"]), "acts beside the statement were altered"),
        (lambda file: alter(file, "surplus", value=1), "surplus: Extra inputs"),
        (lambda file: alter(file, "statement", "root", value="0"), "statement.root: String should match"),
        (lambda file: file.write_bytes(b"\xff"), "is not TOML"),
        (lambda file: file.unlink(), "cannot be read: No such file"),
    ],
)
def test_a_broken_file_is_refused(
    members: dict[str, Stopped], file: Path, change: Callable[[Path], object], text: str
):
    """Whatever became of it on its way, with a sentence about what is wrong."""
    propose(members["sp1"].settings, file)
    change(file)
    for step in (sign, enter):
        with pytest.raises(GenerationError, match=text):
            step(members["sp2"].settings, file)


def test_a_member_signs_one_statement_for_a_generation(
    members: dict[str, Stopped], file: Path, tmp_path: Path
):
    """Two with a majority each could lead to two ledgers; the same one may be signed again."""
    propose(members["sp1"].settings, file)
    for _ in range(2):
        assert signers(sign(members["sp3"].settings, file)) == ["sp1", "sp3"]
    members["sp2"].has([members["sp3"].block(b"more")])
    other, third = tmp_path / "other.toml", tmp_path / "third.toml"
    propose(members["sp2"].settings, other)
    with pytest.raises(GenerationError, match=r"has signed, or refused, another .* `--generation 3`"):
        sign(members["sp3"].settings, other)
    assert propose(members["sp2"].settings, third, number=3).statement.generation == 3
    assert signers(sign(members["sp3"].settings, third)) == ["sp2", "sp3"]
    with pytest.raises(GenerationError, match="statement for generation 3"):
        sign(members["sp3"].settings, file)


def test_the_members_of_the_last_block_sign(tmp_path: Path, file: Path):
    """Not the founders: who has left does not count, who has joined does, and each by the key of now."""
    members = founded(tmp_path, "sp1", "sp2", "sp3")
    joiner, renewed = (founded(tmp_path / name, name)[name] for name in ("sp4", "sp2"))
    joiner.network = members["sp1"].network
    shutil.copyfile(members["sp1"].settings.network_file, joiner.settings.network_file)
    acts: list[Act] = [
        RemoveMember(sp="sp3"),
        AdmitMember(member=Member(sp="sp4", signing_key=signing_text(joiner.key.public_key()))),
        ReplaceMemberKey(sp="sp2", signing_key=signing_text(renewed.key.public_key())),
    ]
    votes = [members[sp].says(act) for act in acts for sp in ("sp1", "sp2")]
    have(members | {"sp4": joiner}, [*traffic(members.values(), 2), *votes])
    assert len(propose(members["sp1"].settings, file).acts) == len(votes)
    with pytest.raises(GenerationError, match="sp3 is no member at the statement's last block"):
        sign(members["sp3"].settings, file)
    with pytest.raises(GenerationError, match="not the one by which the members know sp2"):
        sign(members["sp2"].settings, file)
    (renewed.folder / "keys").rename(members["sp2"].folder / "keys" / "next")
    assert signers(sign(members["sp2"].settings, file)) == ["sp1", "sp2"]
    assert signers(sign(joiner.settings, file)) == ["sp1", "sp2", "sp4"]
    alter(file, "acts", value=[])
    with pytest.raises(
        GenerationError, match=r"signature of sp2 is not of this|signed by sp4, which is no member"
    ):
        enter(members["sp1"].settings, file)


def test_generations_follow_one_another(members: dict[str, Stopped], file: Path, tmp_path: Path):
    """Majorities can be lost again; what was agreed before is kept, and never agreed anew."""
    begin(members, file)
    have(members, traffic(members.values(), 2))
    with pytest.raises(GenerationError, match="is in generation 2 already"):
        sign(members["sp3"].settings, file)
    third = tmp_path / "third.toml"
    begin(members, third)
    assert look(members["sp3"].settings)[0] == 3
    kept = members["sp3"].folder / "generation-2.toml"
    assert read_generation(kept) == read_generation(file)
    with pytest.raises(GenerationError, match="is in generation 3 already"):
        enter(members["sp1"].settings, file)


def test_a_running_node_is_left_alone(members: dict[str, Stopped], file: Path):
    """What it says would be old before it is signed."""
    member = members["sp1"]
    with alone(member.settings.data_folder):
        for step in (propose, sign, enter):
            with pytest.raises(SettingsError, match="a node is running already"):
                step(member.settings, file)


def test_the_server_of_an_operator_is_left_to_him(members: dict[str, Stopped], file: Path):
    """The node moves nothing that is not its own."""
    member = members["sp1"]
    begin({name: members[name] for name in ("sp2", "sp3")}, file)
    outside = ExternalLedger(kind="external", servers=("-",), user="-", password_file=Path("-"))
    (member.folder / "data" / "nats" / "store").mkdir(parents=True)
    assert enter(member.settings.model_copy(update={"ledger": outside}), file).aside is None
    assert (member.folder / "data" / "nats" / "store").exists()
