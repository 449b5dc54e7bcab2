"""HTTP to a server under test: requests, metrics as a dictionary, the picture of the heap."""

import http.client
import json
import re
import struct
import time

from conftest import free_port

SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$")


class Watched:
    """A server with http-port set, and its HTTP side."""

    def __init__(self, start, *options):
        self.http_port = free_port()
        self.server = start("--http-port", self.http_port, *options)

    def request(self, path, method="GET", **headers):
        """(status, headers, body); a name's _ stands for -."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=30)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): value
                                                      for name, value in headers.items()})
            reply = connection.getresponse()
            return reply.status, dict(reply.getheaders()), reply.read()
        finally:
            connection.close()

    def get(self, path, **headers):
        status, _, body = self.request(path, **headers)
        assert status == 200, (path, status, body)
        return body

    def metrics(self, **headers):
        return samples(self.get("/metrics", **headers).decode())

    def state(self):
        return json.loads(self.get("/api/state.json"))

    def history(self):
        """Samples of /api/history, each a dictionary, the oldest first."""
        told = json.loads(self.get("/api/history"))
        return [dict(zip(told["columns"], sample, strict=True)) for sample in told["samples"]]

    def heap(self, since=None):
        return Picture(self.get("/api/heap" + ("" if since is None else f"?since={since}")))

    def fresh(self):
        """So long that the next figures are made after this."""
        time.sleep(0.3)


def samples(text):
    found = {}
    for line in text.splitlines():
        if line.startswith("#") or not line:
            continue
        name, labels, value = SAMPLE.match(line).groups()
        key = (name, labels or "")
        assert key not in found, line
        found[key] = float(value)
    return found


class Picture:
    """As src/http/heap_reply.h describes it."""

    def __init__(self, body):
        magic, version, header, self.start_ms, self.rows, self.sweep, block_rows, count = \
            struct.unpack_from("<8sIIQIIII", body)
        assert magic == b"SNUGHEAP" and version == 1 and header == 64
        self.blocks = {}
        at = header
        for _ in range(count):
            number, = struct.unpack_from("<I", body, at)
            self.blocks[number] = struct.unpack_from(f"<{block_rows}I", body, at + 4)
            at += 4 + 4 * block_rows
        assert at == len(body)

    def spans(self):
        """(state, kind, class, order, fill) of each row in which a span begins."""
        for words in self.blocks.values():
            for word in words:
                state = word >> 23 & 7
                if state:
                    yield state, word >> 17 & 7, word >> 8 & 511, word >> 20 & 7, word & 255
