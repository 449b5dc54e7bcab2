"""Checks the house's rules. usage: tools/lint BUILD-DIRECTORY [check]...

Each check is a function that takes a tree and yields what it finds, as `path:line: text`. It is
run twice: on the repository, where it must find nothing, and on tests/lint/NAME, a tiny tree that
breaks the rule, where it must find something: a check that cannot fail is not one.
"""

import os
import subprocess
import sys
import tempfile

import c_checks
import text_checks
from tree import ROOT, SAMPLES, Tree

SHOWN = 50


def sample_tree(name, scratch):
    """The bad tree of a check, its sources compiled into `scratch` for checks of objects."""
    root = os.path.join(ROOT, SAMPLES, name)
    made = os.path.join(root, "made")
    tree = Tree(root, made if os.path.isdir(made) else scratch)
    if name == "mutable_globals":
        for path in tree.c_files("src/"):
            target = os.path.join(scratch, "obj", path[:-2] + ".o")
            os.makedirs(os.path.dirname(target), exist_ok=True)
            subprocess.run(["cc", "-c", "-O2", "-o", target, tree.full(path)], check=True)
    return tree


def holds(check, tree):
    findings = list(check(tree))
    for finding in findings[:SHOWN]:
        print(f"{finding}  [{check.__name__}]")
    if len(findings) > SHOWN:
        print(f"... and {len(findings) - SHOWN} more  [{check.__name__}]")
    return not findings


def can_fail(check):
    """Something is found, and every file of the sample whose name begins with bad is named."""
    with tempfile.TemporaryDirectory() as scratch:
        tree = sample_tree(check.__name__, scratch)
        found = "\n".join(check(tree))
    unseen = [path for path in tree.paths if os.path.basename(path).startswith("bad")
              and path not in found]
    for path in unseen or ([] if found else ["its sample"]):
        print(f"{SAMPLES}/{check.__name__}: the check does not find {path}")
    return bool(found) and not unseen


def main():
    made = sys.argv[1] if len(sys.argv) > 1 else "build"
    chosen = sys.argv[2:]
    repository = Tree(ROOT, os.path.join(ROOT, made))
    passed = failed = 0
    for check in c_checks.CHECKS + text_checks.CHECKS:
        if chosen and check.__name__ not in chosen:
            continue
        for good in (holds(check, repository), can_fail(check)):
            passed += good
            failed += not good
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
