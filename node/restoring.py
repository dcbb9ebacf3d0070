"""A new store in place of a damaged or lost one: it holds what can be read of the old one, and no ledger yet.

    restore_store(data_folder) -> Restored

The old files are only read until the new store is complete; then they are moved aside, and the new one takes
their place. Whenever this is interrupted, doing it again goes on from there. What follows is the node's to
do: it reads the ledger from its peers and takes its own old blocks for its own (node.own_blocks).
"""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from node.own_blocks import RESTORING
from node.salvage import salvage
from node.salvage_report import SalvageReport
from node.startup import alone
from node.store import (
    STORE_FILE,
    StoreError,
    StoreVersionError,
    close_store,
    keep_setting,
    open_store,
    read_store,
)
from node.store_file import as_store_error
from node.store_seal import fault_under, read_seal, seal_of, sync, wal_of

NEW_FILE = f"{STORE_FILE}.new"


class Restored(BaseModel):
    """What was done.

    aside: the folder with the old store, None where there was none. salvaged: what was kept of it, None where
    there was none, or where another try that was interrupted had kept it already.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    aside: Path | None
    salvaged: SalvageReport | None


def restore_store(data_folder: Path) -> Restored:
    """Put a new store in the place of the one in `data_folder`, which may be damaged, or absent altogether.

    Raises SettingsError while the node runs, StoreVersionError for a whole store of another release, and
    StoreError or OSError where the new store cannot be written; the old one is as it was then.
    """
    data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with alone(data_folder):
        old, new = data_folder / STORE_FILE, data_folder / NEW_FILE
        report = None
        if old.exists() or not _is_complete(new):
            _refuse_other_release(old)
            report = _make(new, old if old.exists() else None)
            if read_seal(new) is None:
                raise StoreError(f"{new} cannot be completed: make room on the disk, and try again")
        aside = _set_aside(data_folder)
        new.replace(old)
        seal_of(new).replace(seal_of(old))
        sync(data_folder)
        return Restored(aside=aside, salvaged=report)


def _is_complete(new: Path) -> bool:
    """Whether a new store was made and sealed, and only not yet put in its place."""
    seal = read_seal(new)
    return seal is not None and new.exists() and fault_under(seal, new) is None


def _refuse_other_release(path: Path) -> None:
    """Raise StoreVersionError for a store that is not damaged: another release can go on with it."""
    try:
        read_store(path).close()
    except StoreVersionError:
        seal = read_seal(path)
        if seal is None or fault_under(seal, path) is None:
            raise
    except StoreError:
        return


def _make(new: Path, old: Path | None) -> SalvageReport | None:
    """Make the new store, sealed. Whatever there was of it is from a try that did not come to its end."""
    for file in _files(new):
        file.unlink(missing_ok=True)
    try:
        with closing(open_store(new)) as connection:
            report = salvage(old, connection) if old is not None else None
            keep_setting(connection, RESTORING, "1")
            close_store(connection, new)
    except sqlite3.Error as error:
        raise as_store_error(new, "written", error) from error
    return report


def _set_aside(data_folder: Path) -> Path | None:
    """Move the old store's files into a folder of their own, the store first: it is never without its log."""
    files = [file for file in _files(data_folder / STORE_FILE) if file.exists()]
    if not files:
        return None
    aside = data_folder / f"damaged-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    aside.mkdir(mode=0o700)
    for file in files:
        file.replace(aside / file.name)
    sync(aside)
    sync(data_folder)
    return aside


def _files(store: Path) -> list[Path]:
    return [store, wal_of(store), store.with_name(f"{store.name}-shm"), seal_of(store)]
