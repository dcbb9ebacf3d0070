"""A node's settings: a wrong file is refused in one sentence that names the file and the field."""

from pathlib import Path

import pytest
from founding import BROKER

from node.links import http_settings, links_of
from node.settings import SettingsError, load_settings

NODE = """
sp = "sp1"
[ledger]
kind = "embedded"
client_port = 14222
cluster_port = 14223
monitor_port = 14224
cluster_secret_file = "keys/cluster.secret"
"""
CLIENT = f"""
name = "{{name}}"
institution = "{BROKER}"
format = "fix"
mappings = "fix44"
[reads]
AS = "AS"
[link]
kind = "folder"
in_folder = "../{{name}}/in"
out_folder = "/elsewhere/{{name}}/out"
error_folder = "../{{name}}/error"
archive_folder = "../{{name}}/archive"
pattern = "*.fix"
extension = "fix"
"""


def written(folder: Path, node: str = NODE, **clients: str) -> Path:
    (folder / "clients").mkdir()
    for name, text in clients.items():
        (folder / "clients" / f"{name}.toml").write_text(text)
    path = folder / "node.toml"
    path.write_text(node)
    return path


def test_paths_count_from_the_files_own_folder(tmp_path: Path):
    """A configuration can be moved as a whole, and the daemon started from anywhere."""
    settings = load_settings(written(tmp_path, broker=CLIENT.format(name="broker")))
    assert settings.network_file == tmp_path / "network.toml"
    assert settings.data_folder == tmp_path / "data"
    assert settings.ledger.cluster_secret_file == tmp_path / "keys/cluster.secret"
    (client,) = settings.clients
    assert client.link.in_folder == tmp_path / "clients/../broker/in"
    assert client.link.out_folder == Path("/elsewhere/broker/out")


WRONG_NODE = {
    "sp: ": NODE.replace('"sp1"', '"SP 1"'),
    "ledger.embedded.client_port: ": NODE.replace("14222", "142220"),
    "ledger.embedded.cluster_secret_file: Field required": NODE.replace("cluster_secret", "#"),
    "ledger: .*kind": NODE.replace('"embedded"', '"postgres"'),
    "date_folder: Extra": 'date_folder = "x"\n' + NODE,
    "clients: each stands in a file of its own": NODE
    + CLIENT.format(name="b")
    .replace("\nname", "\n[[clients]]\nname", 1)
    .replace("[reads]", "[clients.reads]")
    .replace("[link]", "[clients.link]"),
}


@pytest.mark.parametrize("fault", WRONG_NODE)
def test_a_wrong_node_file_is_refused_where_it_is_wrong(tmp_path: Path, fault: str):
    with pytest.raises(SettingsError, match=f"node.toml: {fault}") as caught:
        load_settings(written(tmp_path, WRONG_NODE[fault]))
    assert "\n" not in str(caught.value)


GOOD = CLIENT.format(name="broker")
WRONG_CLIENT = {
    "institution: .*check digit": GOOD.replace(BROKER, BROKER[:-1] + "0"),
    "format: ": GOOD.replace('"fix"\nmappings', '"fixml"\nmappings'),
    "reads: ": GOOD.replace('AS = "AS"', ""),
    "link.folder.pattern: ": GOOD.replace("pattern", "#"),
    "name: ": GOOD.replace('"broker"', '"../broker"'),
    "copies.": GOOD.replace("[reads]", '[copies]\nrumour = "x"\n[reads]'),
}


@pytest.mark.parametrize("fault", WRONG_CLIENT)
def test_a_wrong_client_file_is_refused_where_it_is_wrong(tmp_path: Path, fault: str):
    with pytest.raises(SettingsError, match=f"broker.toml: {fault}") as caught:
        load_settings(written(tmp_path, broker=WRONG_CLIENT[fault]))
    assert "\n" not in str(caught.value)


def test_two_clients_have_two_names(tmp_path: Path):
    with pytest.raises(SettingsError, match="two clients have the same name"):
        load_settings(written(tmp_path, a=GOOD, b=GOOD))


@pytest.mark.parametrize(("content", "text"), [(None, "cannot be read"), (b"sp = \xff", "is not TOML")])
def test_an_unreadable_file_is_told(tmp_path: Path, content: bytes | None, text: str):
    path = tmp_path / "node.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=f"node.toml {text}"):
        load_settings(path)


async def never(*_: object) -> None:
    raise AssertionError


@pytest.mark.parametrize(
    ("second", "text"),
    [
        (CLIENT.format(name="other").replace("../other/in", "../broker/in"), "same folder in"),
        (CLIENT.format(name="other").replace("../other/error", "../other/in"), "four different folders"),
    ],
)
def test_folders_that_contradict_each_other_are_told(tmp_path: Path, second: str, text: str):
    """Nobody could say whose a file is, or what is new."""
    settings = load_settings(written(tmp_path, broker=GOOD, other=second))
    with pytest.raises(SettingsError, match=text):
        links_of(settings, never, never)


API = NODE + "[api]\nport = 8443\n"
HTTP = f"""
name = "{{name}}"
institution = "{BROKER}"
format = "canonical"
[link]
kind = "http"
token_sha256 = ["{"0" * 64}"]
"""


def test_a_client_of_the_api_needs_no_mappings(tmp_path: Path):
    settings = load_settings(written(tmp_path, API, broker=HTTP.format(name="broker")))
    assert links_of(settings, never, never) == {}
    http = http_settings(settings)
    assert http is not None
    assert (http.listening.host, http.listening.port) == ("127.0.0.1", 8443)


@pytest.mark.parametrize(
    ("node", "client", "text"),
    [
        (
            API,
            HTTP.replace('"canonical"', '"fix"\nmappings = "fix44"\nreads.AS = "AS"'),
            "carries format",
        ),
        (API, HTTP.replace("[link]", '[copies]\nconfirmation = "AK"\n[link]'), "needs no mappings"),
        (API, HTTP.replace('"canonical"', '"canonical"\nmappings = "fix44"'), "needs no mappings"),
        (API, HTTP.replace("0" * 64, "secret"), "token_sha256"),
        (NODE, HTTP, r"add \[api\]"),
        (API + 'host = "0.0.0.0"\n', HTTP, "certificate_file"),
        (API + 'certificate_file = "c.pem"\n', HTTP, "belong together"),
        (API + 'certificate_file = "c.pem"\nkey_file = "k.pem"\n', HTTP, "cannot be used"),
        (API + "[api.limits]\ncalls = 0\n", HTTP, "api.limits.calls"),
    ],
)
def test_what_the_api_cannot_be_served_with(tmp_path: Path, node: str, client: str, text: str):
    with pytest.raises(SettingsError, match=text) as caught:
        http_settings(load_settings(written(tmp_path, node, broker=client.format(name="broker"))))
    assert "\n" not in str(caught.value)


def test_two_clients_have_two_tokens(tmp_path: Path):
    """Nobody could say whose a request is."""
    made = {name: HTTP.format(name=name) for name in ("a", "b")}
    with pytest.raises(SettingsError, match="same token"):
        http_settings(load_settings(written(tmp_path, API, **made)))
