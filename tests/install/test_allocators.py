"""make MALLOC=...: each in a directory of its own. What they hold is tested by `make
test-allocators`, which builds all of them."""

import os
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOUND = os.path.exists("/usr/include/jemalloc/jemalloc.h")
USUAL = "jemalloc" if FOUND else "libc"


def told(*arguments):
    """What make would do."""
    done = subprocess.run(["make", "-n", "-C", ROOT, "V=1", *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize("malloc", ["jemalloc", "libc", "tcmalloc", "mimalloc"])
def test_each_has_a_directory_of_its_own(malloc):
    code, text = told(f"MALLOC={malloc}", "--always-make", "build")
    assert code == 0
    directory = "build" if malloc == USUAL else f"build-{malloc}"
    assert f"-o {directory}/snug-server " in text
    assert f"-DSNUG_MALLOC_{malloc.upper()}=1" in text
    assert malloc == USUAL or " build/" not in text


def test_a_build_that_checks_itself_has_the_c_library(malloc="jemalloc"):
    code, text = told("SANITIZE=address,undefined", f"MALLOC={malloc}", "--always-make", "build")
    assert code == 0
    assert "-o build-address-undefined/snug-server " in text and "SNUG_MALLOC_LIBC" in text


def test_no_other_is_known():
    code, text = told("MALLOC=dlmalloc", "build")
    assert code != 0 and "not 'dlmalloc'" in text
