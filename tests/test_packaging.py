"""Wheel, sdist and editable install: each renders what the checkout renders, from anywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from sklearn.tree import DecisionTreeClassifier

import micromlgen

CHECKOUT = Path(__file__).parents[1]
PORT = """
import micromlgen, sys
from sklearn.tree import DecisionTreeClassifier
tree = DecisionTreeClassifier(random_state=0).fit([[0.0], [1.0], [2.0]], ["a", "b", "a"])
sys.stderr.write(micromlgen.__file__)
sys.stdout.write(micromlgen.port(tree, name="tiny"))
"""


class Built(NamedTuple):
    source: Path
    wheel: Path
    sdist: Path


def run(argv: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run without the settings of the user at hand."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON"))}
    env = {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(list(map(str, argv)), cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def tracked() -> list[Path]:
    """The files of the checkout, without what git ignores; in an unpacked sdist all of them."""
    if not (CHECKOUT / ".git").exists():
        found = (p.relative_to(CHECKOUT) for p in CHECKOUT.rglob("*") if p.is_file())
        return [p for p in found if "__pycache__" not in p.parts]
    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = run(argv, CHECKOUT).stdout.split("\0")
    return [Path(name) for name in names if name and (CHECKOUT / name).is_file()]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A copy of the checkout, the sdist built from it, and the wheel built from that."""
    source = tmp_path_factory.mktemp("source")
    for path in tracked():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / path, source / path)
    out = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", out, source], source)
    [wheel], [sdist] = out.glob("*.whl"), out.glob("*.tar.gz")
    return Built(source, wheel, sdist)


def installed(what: Sequence[str | Path], folder: Path) -> Path:
    """Python of a new environment in which this, and nothing else of ours, is installed."""
    venv.create(folder, with_pip=False)
    paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)}, scheme="venv")
    # What it depends on is borrowed from the environment of the tests, behind its own packages.
    (Path(paths["purelib"]) / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    python = Path(paths["scripts"]) / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    run([*pip, "--no-deps", "--no-build-isolation", "--no-index", *what], folder)
    return python


def check_port(python: Path, folder: Path, where: Path) -> None:
    """It is used from `where`, and gives what the checkout gives."""
    tree = DecisionTreeClassifier(random_state=0).fit([[0.0], [1.0], [2.0]], ["a", "b", "a"])
    done = run([python, "-I", "-c", PORT], folder)
    assert Path(done.stderr).is_relative_to(where)
    assert done.stdout == micromlgen.port(tree, name="tiny")


def test_the_tests_themselves_run_on_the_checkout() -> None:
    assert Path(micromlgen.__file__) == CHECKOUT / "micromlgen" / "__init__.py"


def test_wheel(built: Built, tmp_path: Path) -> None:
    python = installed([built.wheel], tmp_path / "env")
    check_port(python, tmp_path, tmp_path / "env")
    assert run([python.parent / "micromlgen", "--version"], tmp_path).stdout.startswith(
        "micromlgen, version 2."
    )


def test_sdist(built: Built, tmp_path: Path) -> None:
    python = installed([built.sdist], tmp_path / "env")
    check_port(python, tmp_path, tmp_path / "env")


def test_editable(built: Built, tmp_path: Path) -> None:
    """And a template that is edited is rendered without installing again."""
    source = tmp_path / "source"
    shutil.copytree(built.source, source)
    python = installed(["--editable", source], tmp_path / "env")
    check_port(python, tmp_path, source)
    template = source / "templates" / "header.h.j2"
    template.write_text(template.read_text() + "/* edited */\n")
    assert run([python, "-I", "-c", PORT], tmp_path).stdout.endswith("/* edited */\n")


def test_the_wheel_has_all_that_runs_and_no_more(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        metadata = {name.partition(".dist-info/")[2] for name in archive.namelist()}
    tree = {p.as_posix() for p in tracked() if p.parts[0] == "micromlgen"}
    c = {f"micromlgen/{p.as_posix()}" for p in tracked() if p.parts[0] in ("templates", "dsp")}
    assert names == tree | c
    assert {"micromlgen/py.typed", "micromlgen/boards/boards.toml", "micromlgen/boards/c/host.c"} <= names
    assert {"micromlgen/templates/header.h.j2", "micromlgen/dsp/flash.h"} <= names
    assert "licenses/LICENSE" in metadata


def test_the_sdist_has_what_is_needed_to_test_it(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md"} <= names
    for folder in ("micromlgen", "templates", "dsp", "tests", "examples"):
        assert {p.as_posix() for p in tracked() if p.parts[0] == folder} <= names


def test_the_same_source_builds_the_same_wheel(built: Built, tmp_path: Path) -> None:
    again = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path, built.source]
    run(again, tmp_path)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as direct, zipfile.ZipFile(built.wheel) as by_sdist:
        assert {n: direct.read(n) for n in direct.namelist()} == {
            n: by_sdist.read(n) for n in by_sdist.namelist()
        }


def test_building_leaves_the_checkout_alone(built: Built) -> None:
    assert built.wheel.is_file()
    assert not (CHECKOUT / "dist").exists()
    assert not list(CHECKOUT.glob("*.egg-info"))
