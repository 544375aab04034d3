"""Every package that Hark depends on is pinned by its hashes, may be shipped, and stands in the bill of materials."""

import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.paths import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock")
ALLOWED = re.compile(
    r"\b(MIT(-0)?|BSD|Apache|PSF|Python Software Foundation|MPL|Mozilla|LGPL|ZPL|Zope|ISC)\b", re.IGNORECASE
)
"""Licenses under which a program may be shipped with them. The GPL and AGPL are none of them."""


def requirements(name: str) -> dict[str, str]:
    """Each package of a lock file with what stands behind its name: version, marker, hashes."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE).replace("\\\n", "")
    return {
        match[1].lower(): match[2]
        for match in re.finditer(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?(.*)$", text, re.MULTILINE)
    }


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_to_one_version_and_its_hashes(name: str) -> None:
    packages = requirements(name)
    assert len(packages) > 40
    pinned = re.compile(r"==[0-9][A-Za-z0-9.!+]*\s(.*\s)?--hash=sha256:[0-9a-f]{64}")
    assert [package for package, rest in packages.items() if not pinned.match(rest)] == []
    assert [package for package, rest in packages.items() if "://" in rest or "git+" in rest] == []


def test_both_locks_agree_and_have_what_the_project_asks_for() -> None:
    product, dev = (requirements(name) for name in LOCKS)
    assert {name for name, rest in product.items() if version_of(dev.get(name, "")) != version_of(rest)} == set()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {re.split(r"[^A-Za-z0-9._-]", text)[0].lower() for text in project["dependencies"]}
    assert asked - set(product) == set()


def version_of(rest: str) -> str:
    """The version alone: what a package is wanted for may differ."""
    return rest.split(maxsplit=1)[0] if rest else ""


def licenses(package: str) -> str:
    """What a package says of its license, in all the places where packages say it."""
    about = importlib.metadata.metadata(package).json
    said = [str(about.get("license_expression", "")), str(about.get("license", "")).split("\n", maxsplit=1)[0]]
    return "; ".join([*said, *(str(item) for item in about.get("classifier", []) if str(item).startswith("License"))])


def test_every_package_that_is_shipped_has_a_license_that_allows_it() -> None:
    installed = {item.metadata["Name"].lower() for item in importlib.metadata.distributions()}
    there = [name for name in requirements("requirements.lock") if name in installed]
    assert len(there) > 40
    refused = {name: licenses(name) for name in there if not ALLOWED.search(licenses(name))}
    assert refused == {}
    assert [name for name in there if re.search(r"(?<!L)GPL|Affero", licenses(name))] == []


@pytest.mark.process
def test_the_bill_of_materials_names_every_package_and_is_the_same_each_time(tmp_path: Path) -> None:
    """The command of `make sbom`."""
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").split("\nsbom:", 1)[1].split("\n\n", 1)[0]
    arguments = recipe.split("-m cyclonedx_py ", 1)[1].split(" -o ", 1)[0].replace("\\\n", " ").split()
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    for file in files:
        command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", *arguments, "-o", str(file)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert files[0].read_bytes() == files[1].read_bytes()
    bill = json.loads(files[0].read_text(encoding="utf-8"))
    assert bill["metadata"]["component"]["name"] == "hark"
    named = {item["name"].lower(): item for item in bill["components"]}
    assert set(named) == set(requirements("requirements.lock"))
    assert all(item["externalReferences"][0]["hashes"] for item in named.values())
