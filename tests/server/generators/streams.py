"""Arguments of the commands on stream keys."""

from generators.primitives import *  # noqa: F403

GENERATORS = {}
WEIGHTS = {}
EXCLUDED = {}


def audit():
    return []
