"""The keyspace events of each command, as a subscriber hears them."""

from raw import Raw, parse

MARK = b"__keymark"
CLASSES = "KEg$lshzxetmn"


class Watched:
    """A server, a connection to send commands over, and one that listens to all events."""

    def __init__(self, port):
        self.connection, self.listener = Raw(port), Raw(port)
        self.connection.call("CONFIG", "SET", "notify-keyspace-events", CLASSES)
        self.listener.call("PSUBSCRIBE", b"__key*")

    def close(self):
        self.connection.call("CONFIG", "SET", "notify-keyspace-events", "")
        self.connection.close()
        self.listener.close()

    def run(self, commands):
        """The reply of each command, and its events: (channel, message)."""
        marked = []
        for command in commands:
            marked += [command, (b"PUBLISH", MARK, b"")]
        self.connection.send(marked)
        replies = []
        for _ in commands:
            replies.append(self.connection.read())
            self.connection.read()
        return replies, [self._events() for _ in commands]

    def _events(self):
        found = []
        while True:
            _, items = parse(self.listener.read())
            channel, message = items[2][1], items[3][1]
            if channel == MARK:
                return found
            found.append((channel, message))
