"""The page of the clients names what the lock file installs."""

import json
import pathlib

HERE = pathlib.Path(__file__).resolve().parent


def test_the_page_names_every_package_and_its_version():
    page = (HERE.parents[1] / "docs" / "clients.md").read_text()
    wanted = json.loads((HERE / "node" / "package.json").read_text())["dependencies"]
    rows = page.splitlines()
    assert [name for name, version in wanted.items()
            if not any(f"`{name}`" in row and version in row for row in rows)
            and not any(row.startswith(f"| {name} |") and version in row for row in rows)] == []


def test_the_lock_file_names_no_registry():
    lock = json.loads((HERE / "node" / "package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
