"""Arguments of the commands on hyperloglog keys."""

from generators.primitives import *  # noqa: F403

GENERATORS = {}
WEIGHTS = {}
EXCLUDED = {}


def audit():
    return []
