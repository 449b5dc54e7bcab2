"""Keys that are loaded and mostly deleted again, so that a server's heap is fragmented."""

import random

SIZES = [48, 64, 90, 120, 180, 240, 320, 480, 640]
BATCH = 2000


def fragment(client, keys, share=0.8):
    """Sets so many keys, and deletes a share of them here and there."""
    draw = random.Random(1)
    for first in range(0, keys, BATCH):
        client.pipeline(*[("SET", f"session:{index}", "s" * draw.choice(SIZES))
                         for index in range(first, min(first + BATCH, keys))])
    gone = [f"session:{index}" for index in range(keys) if draw.random() < share]
    for first in range(0, len(gone), BATCH):
        client.pipeline(*[("DEL", *gone[first:first + BATCH])])


def memory(client):
    """INFO memory as numbers where they are."""
    figures = {}
    for line in client.call("INFO", "memory").decode().splitlines():
        name, colon, value = line.partition(":")
        if colon:
            try:
                figures[name] = float(value)
            except ValueError:
                figures[name] = value
    return figures
