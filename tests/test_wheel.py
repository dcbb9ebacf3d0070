"""The built wheel holds our three packages and their data, and nothing else."""

import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DATA = "yakujo-0.1.0.data/data/share/yakujo/"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel as hatchling builds it here, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_top_level_is_ours_alone(wheel: zipfile.ZipFile):
    """`adapters`, `canonical` and `node` are common names: nothing more is claimed in site-packages."""
    top = {name.split("/")[0] for name in wheel.namelist()}
    assert top == {"adapters", "canonical", "node", "yakujo-0.1.0.data", "yakujo-0.1.0.dist-info"}


@pytest.mark.parametrize("package", ["adapters", "canonical", "node"])
def test_packages_are_complete_and_typed(wheel: zipfile.ZipFile, package: str):
    ours = {path.relative_to(ROOT).as_posix() for path in (ROOT / package).rglob("*") if path.is_file()}
    wanted = {name for name in ours if "__pycache__" not in name}
    assert {name for name in wheel.namelist() if name.startswith(f"{package}/")} == wanted
    assert f"{package}/py.typed" in wanted


@pytest.mark.parametrize("folder", ["conf", "mappings"])
def test_data_is_shipped(wheel: zipfile.ZipFile, folder: str):
    """An operator finds conf and mappings under share/yakujo, as they stand in the checkout."""
    wanted = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()}
    prefix = f"{DATA}{folder}/"
    assert wanted
    assert {n.removeprefix(DATA) for n in wheel.namelist() if n.startswith(prefix)} == wanted


def test_metadata(wheel: zipfile.ZipFile):
    info = Parser().parsestr(wheel.read("yakujo-0.1.0.dist-info/METADATA").decode())
    scripts = wheel.read("yakujo-0.1.0.dist-info/entry_points.txt").decode()
    assert (info["Name"], info["License-Expression"]) == ("yakujo", "Apache-2.0")
    assert info["Requires-Python"] == "<3.15,>=3.11"
    assert "yakujo = node.__main__:main" in scripts
