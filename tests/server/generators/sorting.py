"""Arguments of the commands on sort keys."""

from generators.primitives import *  # noqa: F403

GENERATORS = {}
WEIGHTS = {}
EXCLUDED = {}


def audit():
    return []
