"""Of `yakujo keys`: what concerns this node's own keys, and those of readers."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from node.act_words import fingerprint
from node.block_key import KEY_FILE, NEXT_FOLDER, next_key
from node.commands.options import HERE, AsJson, Folder, PassphraseFile, print_json, screen, settings_in
from node.inspection import reading
from node.key_files import add_institution, create_keys, load_keys, rewrap
from node.key_view import KeyList, keys_of
from node.pkcs11_wrapping import TokenPlace, make_token_key
from node.reader_keys import CARD_FILE as READER_CARD_FILE
from node.reader_keys import create_reader
from node.secret_files import passphrase_in, secret_text_in
from node.settings import NodeSettings, SettingsError, load_settings
from node.setup import CARD_FILE, NODE_FILE, Card, card_of, check_names, load_card, write_toml
from node.startup import protection

NEXT_CARD_FILE = "member.next.toml"


def key_list(folder: Folder = HERE, *, as_json: AsJson = False) -> None:
    """Show which keys a node has, and how far it can read.

    Fingerprints alone: compare them with what the members and institutions were told.
    """
    settings = settings_in(folder)
    wrapping = protection(settings)
    keys = load_keys(settings.keys_folder, wrapping)
    with reading(settings) as view:
        found = keys_of(view, keys, next_key(settings.keys_folder, wrapping))
    if as_json:
        print_json(found)
    else:
        _print(found)


def add(
    folder: Folder = HERE,
    *,
    institution: Annotated[
        str, typer.Option(metavar="LEI", help="An institution of the network.", show_default=False)
    ],
) -> None:
    """Make keys for one more institution, and put them on the SP's card, for it to delegate.

    Then: `yakujo delegate` by the institution, `yakujo submit` by any member. Start the node anew before
    that, so that it has the keys.
    """
    settings = settings_in(folder)
    check_names(settings.sp, [institution])
    keys = add_institution(settings.keys_folder, institution, protection(settings))
    path = folder / CARD_FILE
    bic = load_card(path).member.bic if path.exists() else settings.provider_bic
    card = card_of(settings.sp, keys, bic)
    write_toml(path, card)
    screen().print(f"{path}: keys for {institution}, {card.fingerprint_of(institution)}")


def renew(folder: Folder = HERE) -> None:
    """Make the SP's next signing key, and the card by which the members vote for it.

    The running node goes on with the old one until more than half of the members have said
    `yakujo replace-key`, and then signs with the next one; start it anew before the vote, so that it has
    both. A key whose change is over moves into the place of the old one here.
    """
    settings = settings_in(folder)
    wrapping = protection(settings)
    _promote(settings)
    made = create_keys(settings.keys_folder / NEXT_FOLDER, [], wrapping)
    card = Card(member=card_of(settings.sp, made, settings.provider_bic).member, delegations={})
    write_toml(folder / NEXT_CARD_FILE, card)
    key = fingerprint(card.member.signing_key)
    screen().print(f"{folder / NEXT_CARD_FILE}: {settings.sp} is to sign with the key {key}")


def protect(
    folder: Folder = HERE,
    *,
    old_passphrase_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What encrypts them until now; else they are in clear.",
            show_default=False,
        ),
    ] = None,
    old_settings: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The node.toml that was for them until now, where a token protects them.",
            show_default=False,
        ),
    ] = None,
    make_key: Annotated[
        bool, typer.Option("--make-token-key", help="Make the token's own key first, as node.toml names it.")
    ] = False,
) -> None:
    """Protect the node's keys as its node.toml says now: by a passphrase, a PKCS#11 token, or not at all.

    Change passphrase_file or [token] in node.toml first, and end the node. May be repeated where it was
    interrupted. Copies of the keys stay as they were protected: make new ones, and destroy the old.
    """
    settings = settings_in(folder)
    old = protection(load_settings(old_settings)) if old_settings else passphrase_in(old_passphrase_file)
    new = protection(settings)
    if make_key:
        make_token_key(_token_of(settings))
    for keys_folder in (settings.keys_folder, settings.keys_folder / NEXT_FOLDER):
        if (keys_folder / KEY_FILE).exists():
            rewrap(keys_folder, old, new)
    screen().print(f"The keys in {settings.keys_folder} are protected as {folder / NODE_FILE} says.")


def reader(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Made if absent.", show_default=False)],
    *,
    name: Annotated[str, typer.Option(help="What the reader calls itself.", show_default=False)],
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make the key of a later reader, such as an auditor, and the card that `yakujo keys grant` takes."""
    made = create_reader(folder, name, passphrase_in(passphrase_file))
    screen().print(
        f"Made the key of {made.name} in {folder}: give {folder / READER_CARD_FILE} to the member."
    )


def _token_of(settings: NodeSettings) -> TokenPlace:
    token = settings.token
    if token is None:
        raise SettingsError("node.toml has no [token]: add it, or leave --make-token-key out")
    return TokenPlace(token.module, token.token, token.key, secret_text_in(token.pin_file))


def _promote(settings: NodeSettings) -> None:
    """Put the next key into the place of the old one, where the members know it by now."""
    wrapping = protection(settings)
    following = next_key(settings.keys_folder, wrapping)
    if following is None:
        return
    with reading(settings) as view:
        found = keys_of(view, load_keys(settings.keys_folder, wrapping), following)
    if any(one.in_use and one.is_next for one in found.signing):
        (settings.keys_folder / NEXT_FOLDER / KEY_FILE).replace(settings.keys_folder / KEY_FILE)


def _print(found: KeyList) -> None:
    console = screen()
    for one in found.signing:
        state = "in use" if one.in_use else "not what the members know"
        if one.is_next and not one.in_use:
            state = "the next one, not voted for yet"
        console.print(f"{found.sp} signs with {one.key}: {state}")
    table = Table(box=None, pad_edge=False)
    for name in ("institution", "keys", "delegated", "days announced until", "name"):
        table.add_column(name)
    for own in found.institutions:
        until = own.announced_until.isoformat() if own.announced_until else "-"
        table.add_row(own.lei, own.keys, "yes" if own.delegated else "no", until, own.name)
    console.print(table)
    console.print(f"{found.secrets} day secrets are held")
    for chain in found.chains:
        state = "read from the beginning" if chain.complete else "earlier days are not granted yet"
        if chain.granted:
            state = "what was granted is read with the next message"
        retired = ", retired" if chain.retired else ""
        console.print(f"{chain.broker} with {chain.investor}: last of {chain.day}{retired}; {state}")
