"""Arguments of the commands on hash keys."""

from generators.primitives import *  # noqa: F403

GENERATORS = {}
WEIGHTS = {}
EXCLUDED = {}


def audit():
    return []
