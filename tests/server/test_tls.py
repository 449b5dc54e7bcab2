"""TLS: who may come in, what the options do, and that bytes arrive whatever way they are cut."""

import contextlib
import os
import random
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest
import redis

from certificates import Authority, client_context, run
from conftest import CHECKED_BUILD, free_port
from resp import Client, Error, encode

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


class Papers:
    """All the certificates that the tests show each other."""

    def __init__(self, directory):
        self.authority = Authority(directory / "ours")
        self.stranger = Authority(directory / "theirs", "Another authority")
        self.server = self.authority.sign("server")
        self.alice = self.authority.sign("alice")
        self.expired = self.authority.sign("late", days=-1)
        self.foreign = self.stranger.sign("mallory")
        self.locked = self.authority.sign("locked", password="open sesame")

    def options(self, port, **more):
        """Options of a server, as words: certificate, key, authority, port."""
        values = {"tls_port": port, "tls_cert_file": self.server[0], "tls_key_file": self.server[1],
                  "tls_ca_cert_file": self.authority.file, **more}
        words = []
        for name, value in values.items():
            if value is not None:
                words += ["--" + name.replace("_", "-"), str(value)]
        return words


class SecureClient(Client):
    """The tests' client over TLS."""

    def __init__(self, port, context, timeout=20, session=None):
        super().__init__(port, timeout=timeout)
        plain = self.socket
        try:
            self.socket = context.wrap_socket(plain, session=session)
        except BaseException:
            plain.close()
            raise


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    return Papers(tmp_path_factory.mktemp("papers"))


@pytest.fixture
def secure(start, papers):
    """Starts a server with TLS beside the plain port: secure(tls_auth_clients="no")."""
    def begin(*words, **more):
        port = free_port()
        server = start(*papers.options(port, **more), "--enable-debug-command", "yes", *words)
        server.tls_port = port
        return server
    return begin


def connect(server, papers, pair="alice", version=None, **more):
    shown = getattr(papers, pair) if isinstance(pair, str) else pair
    return SecureClient(server.tls_port, client_context(papers.authority, shown, version), **more)


def is_refused(server, papers, pair=None, version=None):
    """In TLS 1.3 a client learns of it with its first read only."""
    try:
        with connect(server, papers, pair, version) as client:
            client.call("PING")
    except (ssl.SSLError, ConnectionError):
        return True
    return False


def resident(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))


def wait_for(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def clients_of(server):
    with Client(server.port) as plain:
        info = plain.call("INFO", "clients").decode()
    return int(info.split("connected_clients:")[1].split()[0]) - 1


# ---- who may come in ----------------------------------------------------------------------------

@pytest.mark.parametrize("version", VERSIONS, ids=["1.2", "1.3"])
def test_both_versions_carry_requests(secure, papers, version):
    server = secure()
    with connect(server, papers, version=version) as client, Client(server.port) as plain:
        assert client.socket.version() == {VERSIONS[0]: "TLSv1.2", VERSIONS[1]: "TLSv1.3"}[version]
        assert client.call("SET", "key", "value") == "OK"
        assert plain.call("GET", "key") == b"value"
        assert client.call("CLIENT", "INFO").decode().count("addr=127.0.0.1:") == 2
        info = client.call("INFO", "server").decode()
        assert f"tcp_port:{server.port}\r\n" in info
        assert f"listener2:name=tls,bind=127.0.0.1,port={server.tls_port}\r\n" in info


@pytest.mark.parametrize("version", VERSIONS, ids=["1.2", "1.3"])
def test_certificates_that_must_not_pass(secure, papers, version):
    server = secure()
    assert not is_refused(server, papers, "alice", version)
    for pair in (None, "expired", "foreign"):
        assert is_refused(server, papers, pair, version), pair
    wait_for(lambda: clients_of(server) == 0)


def test_optional_certificates(secure, papers):
    server = secure(tls_auth_clients="optional")
    assert not is_refused(server, papers, None)
    assert not is_refused(server, papers, "alice")
    assert is_refused(server, papers, "expired")
    assert is_refused(server, papers, "foreign")


def test_no_certificates_are_asked_for(secure, papers):
    server = secure(tls_auth_clients="no", tls_ca_cert_file=None)
    assert not is_refused(server, papers, None)
    assert not is_refused(server, papers, "foreign")


def test_the_client_knows_the_server(secure, papers):
    server = secure()
    with pytest.raises(ssl.SSLError):
        SecureClient(server.tls_port, client_context(papers.stranger, papers.alice))


def test_authorities_in_a_directory(secure, papers, tmp_path):
    shutil.copy(papers.authority.file, tmp_path / "ours.pem")
    run("rehash", tmp_path)
    server = secure(tls_ca_cert_file=None, tls_ca_cert_dir=tmp_path)
    assert not is_refused(server, papers, "alice")
    assert is_refused(server, papers, "foreign")


def test_only_tls(start, papers):
    """Port 0 and tls-port: nothing is listened on in clear."""
    port = free_port()
    server = start(*papers.options(port), "--port", "0", ready=False)
    server.tls_port = port
    wait_for(lambda: "Ready to accept connections tls" in server.log(), 30)
    with connect(server, papers) as client:
        assert client.call("PING") == "PONG"
        assert f"tcp_port:{port}\r\n" in client.call("INFO", "server").decode()
        assert "listener0" not in client.call("INFO", "server").decode()


def test_a_password_is_asked_for_over_tls_too(secure, papers):
    server = secure("--requirepass", "secret")
    with connect(server, papers) as client:
        assert client.call("GET", "x").startswith("NOAUTH")
        assert client.call("AUTH", "secret") == "OK"
        assert client.call("GET", "x") is None


@pytest.mark.parametrize("version", VERSIONS, ids=["1.2", "1.3"])
def test_a_certificate_names_a_user(secure, papers, version):
    server = secure("--requirepass", "secret", "--tls-auth-clients-user", "CN",
                    tls_auth_clients="optional")
    assert "has no effect" not in server.log()

    def whoami(pair="alice"):
        with connect(server, papers, pair, version) as client:
            return client.call("ACL", "WHOAMI")

    with Client(server.port) as admin:
        assert admin.call("AUTH", "secret") == "OK"
        assert whoami().startswith("NOAUTH")
        admin.call("ACL", "SETUSER", "alice", ">pw", "~a*", "+@all")
        assert whoami().startswith("NOAUTH")  # it is off
        admin.call("ACL", "SETUSER", "alice", "on")
        assert whoami() == b"alice"
        assert whoami(None).startswith("NOAUTH")
        assert whoami(papers.authority.sign("bob")).startswith("NOAUTH")
        assert whoami(papers.authority.sign("upper", subject="/CN=ALICE")).startswith("NOAUTH")
        with connect(server, papers, "alice", version) as client:
            assert client.call("GET", "a") is None
            assert client.call("GET", "b").startswith("NOPERM")
            assert client.call("AUTH", "secret") == "OK"
            assert client.call("ACL", "WHOAMI") == b"default"
            assert client.call("RESET") == "RESET"
            assert client.call("GET", "a").startswith("NOAUTH")
        with connect(server, papers, "alice", version) as client:
            assert client.call("PING") == "PONG"
            assert admin.call("ACL", "DELUSER", "alice") == 1
            with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
                client.call("PING")
        admin.call("ACL", "SETUSER", "alice", "on", "+@all")
        admin.call("CONFIG", "SET", "tls-auth-clients-user", "off")
        assert whoami().startswith("NOAUTH")


def test_a_resumed_session_names_its_user_too(secure, papers):
    server = secure("--tls-auth-clients-user", "CN")
    with Client(server.port) as admin:
        admin.call("ACL", "SETUSER", "alice", "on", "+@all")
    context = client_context(papers.authority, papers.alice)
    with SecureClient(server.tls_port, context) as first:
        assert first.call("ACL", "WHOAMI") == b"alice"
        session = first.socket.session
    with SecureClient(server.tls_port, context, session=session) as second:
        assert second.call("ACL", "WHOAMI") == b"alice"
        assert second.socket.session_reused


def test_maxclients(secure, papers):
    server = secure("--maxclients", "3")
    with contextlib.ExitStack() as all_of_them:
        for _ in range(3):
            all_of_them.enter_context(connect(server, papers)).call("PING")
        assert is_refused(server, papers, "alice")
    wait_for(lambda: not is_refused(server, papers, "alice"))


# ---- what the options do ------------------------------------------------------------------------

def test_protocols(secure, papers):
    server = secure(tls_protocols="TLSv1.3")
    assert is_refused(server, papers, "alice", VERSIONS[0])
    assert not is_refused(server, papers, "alice", VERSIONS[1])
    with Client(server.port) as plain:
        assert plain.call("CONFIG", "SET", "tls-protocols", "TLSv1.2") == "OK"
    assert not is_refused(server, papers, "alice", VERSIONS[0])
    assert is_refused(server, papers, "alice", VERSIONS[1])


def test_ciphers(secure, papers):
    server = secure(tls_ciphers="ECDHE-ECDSA-AES256-GCM-SHA384",
                    tls_ciphersuites="TLS_CHACHA20_POLY1305_SHA256")
    with connect(server, papers, version=VERSIONS[0]) as client:
        assert client.socket.cipher()[0] == "ECDHE-ECDSA-AES256-GCM-SHA384"
    with connect(server, papers, version=VERSIONS[1]) as client:
        assert client.socket.cipher()[0] == "TLS_CHACHA20_POLY1305_SHA256"


def test_the_order_of_ciphers_is_whose(secure, papers):
    ours, theirs = "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"
    server = secure(tls_ciphers=f"{ours}:{theirs}", tls_prefer_server_ciphers="yes")
    context = client_context(papers.authority, papers.alice, VERSIONS[0])
    context.set_ciphers(f"{theirs}:{ours}")
    with SecureClient(server.tls_port, context) as client:
        assert client.socket.cipher()[0] == ours
    with Client(server.port) as plain:
        assert plain.call("CONFIG", "SET", "tls-prefer-server-ciphers", "no") == "OK"
    with SecureClient(server.tls_port, context) as client:
        assert client.socket.cipher()[0] == theirs


def test_a_key_with_a_password(secure, papers):
    pair = {"tls_cert_file": papers.locked[0], "tls_key_file": papers.locked[1]}
    server = secure(**pair, tls_key_file_pass="open sesame")
    assert not is_refused(server, papers, "alice")
    with Client(server.port) as plain:
        reply = plain.call("CONFIG", "SET", "tls-key-file-pass", "wrong")
        assert reply.startswith("ERR CONFIG SET failed")
    assert not is_refused(server, papers, "alice")


def test_dh_params(secure, papers, tmp_path):
    run("genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out",
        tmp_path / "dh.pem")
    server = secure(tls_dh_params_file=tmp_path / "dh.pem")
    assert not is_refused(server, papers, "alice")
    with Client(server.port) as plain:
        reply = plain.call("CONFIG", "SET", "tls-dh-params-file", papers.server[0])
        assert "Unable to update TLS configuration" in reply


def resumes(server, papers):
    """Whether a second connection of TLS 1.2 takes the session of the first."""
    context = client_context(papers.authority, papers.alice, VERSIONS[0])
    with SecureClient(server.tls_port, context) as client:
        client.call("PING")
        session = client.socket.session
    with SecureClient(server.tls_port, context, session=session) as client:
        assert client.call("PING") == "PONG"
        return client.socket.session_reused


def test_sessions_are_kept_or_not(secure, papers):
    server = secure()
    assert resumes(server, papers)
    with Client(server.port) as plain:
        assert plain.call("CONFIG", "SET", "tls-session-caching", "no") == "OK"
        assert not resumes(server, papers)
        assert plain.call("CONFIG", "SET", "tls-session-caching", "yes", "tls-session-cache-size",
                          "5", "tls-session-cache-timeout", "60") == "OK"
        assert resumes(server, papers)


def test_a_server_without_its_files_does_not_start(start, papers):
    for missing, why in [("tls_cert_file", "No tls-cert-file configured!"),
                         ("tls_key_file", "No tls-key-file configured!"),
                         ("tls_ca_cert_file", "Either tls-ca-cert-file or tls-ca-cert-dir")]:
        server = start(*papers.options(free_port(), **{missing: None}), ready=False)
        assert server.process.wait(30) == 1
        assert why in server.log()
        assert "Failed to configure TLS" in server.log()
        server.process.returncode = 0  # as it should


def test_the_port_comes_and_goes(start, papers):
    server = start(*papers.options(0))
    port = server.tls_port = free_port()
    with Client(server.port) as plain:
        assert plain.call("CONFIG", "SET", "tls-port", port) == "OK"
        with connect(server, papers) as client:
            assert client.call("PING") == "PONG"
            taken = plain.call("CONFIG", "SET", "tls-port", server.port)
            assert "Unable to listen on this port" in taken
            assert plain.call("CONFIG", "GET", "tls-port")[1] == b"%d" % port
            assert not is_refused(server, papers, "alice")
            assert plain.call("CONFIG", "SET", "tls-port", "0") == "OK"
            with pytest.raises(ConnectionRefusedError):
                connect(server, papers)
            assert client.call("PING") == "PONG"  # who is there stays


def test_a_plain_port_that_is_taken_leaves_the_old_one(start, papers):
    server, other = start(), start()
    with Client(server.port) as plain:
        reply = plain.call("CONFIG", "SET", "port", other.port)
        assert "Unable to listen on this port" in reply
    with Client(server.port) as plain:
        assert plain.call("PING") == "PONG"


# ---- certificates exchanged while serving -------------------------------------------------------

def shown_name(server, papers):
    """The common name of the server's certificate, as a client sees it."""
    with connect(server, papers) as client:
        subject = dict(part[0] for part in client.socket.getpeercert()["subject"])
        return subject["commonName"]


def test_files_are_read_again_and_all_or_nothing(secure, papers, tmp_path):
    certificate, key = tmp_path / "server.crt", tmp_path / "server.key"
    shutil.copy(papers.server[0], certificate)
    shutil.copy(papers.server[1], key)
    server = secure(tls_cert_file=certificate, tls_key_file=key)
    new = papers.authority.sign("renewed")
    with Client(server.port) as plain, connect(server, papers) as old:
        assert shown_name(server, papers) == "server"
        shutil.copy(new[0], certificate)  # the key does not fit yet
        reply = plain.call("CONFIG", "SET", "tls-cert-file", certificate)
        assert "Unable to update TLS configuration" in reply
        assert shown_name(server, papers) == "server"
        shutil.copy(new[1], key)
        assert plain.call("CONFIG", "SET", "tls-cert-file", certificate) == "OK"
        assert shown_name(server, papers) == "renewed"
        key.write_text("not a key")
        reply = plain.call("CONFIG", "SET", "tls-key-file", key)
        assert "Unable to update TLS configuration" in reply
        for name, value in [("tls-cert-file", tmp_path / "none"), ("tls-ca-cert-file", key),
                            ("tls-ciphers", "NO-SUCH"), ("tls-ciphersuites", "NO_SUCH"),
                            ("tls-protocols", "SSLv3"), ("tls-protocols", "TLSv1.1")]:
            reply = plain.call("CONFIG", "SET", name, value)
            assert "Unable to update TLS configuration" in reply, name
        assert shown_name(server, papers) == "renewed"
        assert old.call("PING") == "PONG"


def test_a_session_does_not_outlive_the_authority(secure, papers):
    """Whoever was let in under an authority that is trusted no more cannot resume."""
    server = secure()
    context = client_context(papers.authority, papers.alice, VERSIONS[0])
    with SecureClient(server.tls_port, context) as client:
        client.call("PING")
        session = client.socket.session
    with Client(server.port) as plain:
        assert plain.call("CONFIG", "SET", "tls-ca-cert-file", papers.stranger.file) == "OK"
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with SecureClient(server.tls_port, context, session=session) as client:
            client.call("PING")


def test_renewal_under_load(secure, papers):
    server = secure()
    new = papers.authority.sign("renewed")
    ended, wrong = threading.Event(), []

    def stays():
        with connect(server, papers) as client:
            while not ended.is_set():
                replies = client.pipeline(*[["ECHO", "x" * 300]] * 20)
                wrong.extend(reply for reply in replies if reply != b"x" * 300)

    def comes_and_goes():
        while not ended.is_set():
            with connect(server, papers) as client:
                if client.call("PING") != "PONG":
                    wrong.append("no PONG")

    threads = [threading.Thread(target=what) for what in (stays, comes_and_goes, comes_and_goes)]
    for thread in threads:
        thread.start()
    with Client(server.port) as plain:
        for turn in range(30):
            certificate, key = (new, papers.server)[turn % 2]
            assert plain.call("CONFIG", "SET", "tls-cert-file", certificate, "tls-key-file",
                              key) == "OK"
            time.sleep(0.02)
    ended.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert not is_refused(server, papers, "alice")


# ---- bytes, however they come -------------------------------------------------------------------

class Fed:
    """A client whose records are handed to the server piece by piece, as the test says."""

    def __init__(self, port, context, pieces):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.coming, self.going = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.coming, self.going)
        self.pieces = pieces
        self.do(self.tls.do_handshake)

    def push(self):
        data = self.going.read()
        while data:
            count = self.pieces()
            self.socket.sendall(data[:count])
            data = data[count:]

    def do(self, what, *arguments):
        while True:
            try:
                result = what(*arguments)
                self.push()
                return result
            except ssl.SSLWantReadError:
                self.push()
                more = self.socket.recv(65536)
                if not more:
                    raise ConnectionError("closed") from None
                self.coming.write(more)

    def send(self, data):
        self.do(self.tls.write, data)

    def read(self, count):
        data = b""
        while len(data) < count:
            data += self.do(self.tls.read, 65536)
        return data


@pytest.mark.parametrize("version", VERSIONS, ids=["1.2", "1.3"])
def test_byte_by_byte(secure, papers, version):
    server = secure()
    fed = Fed(server.tls_port, client_context(papers.authority, papers.alice, version), lambda: 1)
    for _ in range(3):
        fed.send(encode(["ECHO", "hello"]) * 2)
        assert fed.read(22) == b"$5\r\nhello\r\n" * 2
    fed.socket.close()


def test_pieces_of_any_length(secure, papers):
    server = secure()
    chance = random.Random(7)
    fed = Fed(server.tls_port, client_context(papers.authority, papers.alice),
              lambda: chance.choice([1, 5, 100, 16000, 16413, 40000]))
    for _ in range(40):
        value = bytes(chance.randrange(256) for _ in range(50)) * chance.randrange(2000)
        fed.send(encode(["ECHO", value]))
        expected = b"$%d\r\n%b\r\n" % (len(value), value)
        assert fed.read(len(expected)) == expected
    fed.socket.close()


def test_many_requests_in_one_record_end_without_another_byte(secure, papers):
    """What was read with a record, and not executed in that turn, is not waited for at the socket:
    one record of 1,300 requests, many records at once, with a blocked client and a pause."""
    server = secure()
    with connect(server, papers) as client, Client(server.port) as plain:
        ping = b"PING\r\n"
        client.send_raw(ping * 2500)
        assert [client.read() for _ in range(2500)] == ["PONG"] * 2500
        client.send_raw(encode(["BLPOP", "list", 0]) + ping * 30000)
        wait_for(lambda: b"cmd=blpop" in plain.call("CLIENT", "LIST"))
        plain.call("RPUSH", "list", "a")
        assert client.read() == [b"list", b"a"]
        assert [client.read() for _ in range(30000)] == ["PONG"] * 30000
        plain.call("CLIENT", "PAUSE", 200)
        client.send_raw(ping * 30000)
        assert [client.read() for _ in range(30000)] == ["PONG"] * 30000


@pytest.mark.parametrize("version", VERSIONS, ids=["1.2", "1.3"])
def test_big_pipelines_both_ways(secure, papers, version):
    """Neither side waits for the other: writer and reader are two threads, which take turns with
    OpenSSL's object and not with the socket."""
    server = secure("--client-output-buffer-limit", "normal 0 0 0")
    count, value = (60, "v" * 60000) if CHECKED_BUILD else (300, "v" * 100000)
    request, reply = encode(["ECHO", value]), b"$%d\r\n%b\r\n" % (len(value), value.encode())
    context = client_context(papers.authority, papers.alice, version)
    fed = Fed(server.tls_port, context, lambda: 1 << 20)
    plain_text, lock = bytearray(), threading.Lock()

    def write():
        for _ in range(count):
            with lock:
                fed.tls.write(request)
                records = fed.going.read()
            fed.socket.sendall(records)

    writer = threading.Thread(target=write)
    writer.start()
    while len(plain_text) < count * len(reply):
        records = fed.socket.recv(1 << 16)
        with lock, contextlib.suppress(ssl.SSLWantReadError):
            fed.coming.write(records)
            while True:
                plain_text += fed.tls.read(1 << 16)
    writer.join()
    assert plain_text == reply * count
    fed.socket.close()


def test_a_big_reply_to_a_slow_reader(secure, papers):
    """The last record does not fit in the socket when all replies are in records already."""
    server = secure()
    with connect(server, papers) as client, Client(server.port) as plain:
        value = os.urandom(9_000_000)
        plain.call("SET", "big", value)
        client.send_raw(encode(["GET", "big"]) + encode(["QUIT"]))
        time.sleep(0.3)
        assert client.read_all() == b"$9000000\r\n" + value + b"\r\n+OK\r\n"


def test_a_big_value_in(secure, papers):
    server = secure()
    value = os.urandom(3_000_000)
    with connect(server, papers) as client:
        assert client.call("SET", "big", value) == "OK"
        assert client.call("GET", "big") == value


# ---- who means ill, or knows nothing ------------------------------------------------------------

def test_junk_is_not_listened_to(secure, papers):
    server = secure("--loglevel", "verbose")
    chance = random.Random(3)
    hello = Hello(papers).bytes()
    for turn in range(150):
        junk = [b"PING\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + bytes(200),
                b"\x80\x2e\x01\x00\x02", chance.randbytes(chance.randrange(1, 3000)),
                hello[:chance.randrange(len(hello))] + chance.randbytes(600)][turn % 6]
        with socket.create_connection(("127.0.0.1", server.tls_port), timeout=20) as peer:
            peer.sendall(junk)
            if turn % 6 < 2:
                with contextlib.suppress(ConnectionError):
                    while peer.recv(4096):
                        pass
    assert not is_refused(server, papers, "alice")
    wait_for(lambda: clients_of(server) == 0)
    assert 1 <= server.log().count("Error accepting a client connection") < 50


class Hello:
    """The first words of a client."""

    def __init__(self, papers):
        self.context = client_context(papers.authority, papers.alice)

    def bytes(self):
        going = ssl.MemoryBIO()
        tls = self.context.wrap_bio(ssl.MemoryBIO(), going)
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
        return going.read()


def half_open(server, count, first):
    peers = []
    for _ in range(count):
        peer = socket.create_connection(("127.0.0.1", server.tls_port), timeout=30)
        peer.sendall(first)
        peers.append(peer)
    return peers


def test_half_handshakes_are_bounded_and_end(secure, papers):
    """Hundreds that say hello and nothing more: memory for each, and they are sent away in time,
    while somebody who means it is let in."""
    server = secure()
    assert not is_refused(server, papers, "alice")
    before = resident(server)
    peers = half_open(server, 300, Hello(papers).bytes())
    began = time.monotonic()
    wait_for(lambda: clients_of(server) == 300)
    assert resident(server) - before < (300 if CHECKED_BUILD else 100) * 1024 * 300
    with Client(server.port) as plain:
        listed = plain.call("CLIENT", "LIST").decode().splitlines()
        each = [int(line.split("tot-mem=")[1].split()[0]) for line in listed]
        assert 10000 < sorted(each)[150] < 100000
    assert not is_refused(server, papers, "alice")
    wait_for(lambda: clients_of(server) == 0, 20)
    assert 8 < time.monotonic() - began < 18
    for peer in peers:
        peer.close()


def test_no_more_than_so_many_handshakes_at_once(secure, papers):
    server = secure()
    peers = half_open(server, 900, b"\x16")
    time.sleep(0.5)
    assert clients_of(server) <= 512
    assert not is_refused(server, papers, "alice")  # it waits until the slow ones have to go
    for peer in peers:
        peer.close()
    wait_for(lambda: clients_of(server) == 0, 30)


def test_a_hello_that_claims_to_be_long(secure, papers):
    """128 KB are announced for a handshake message, and not one of them is sent."""
    server = secure("--loglevel", "verbose")
    record = b"\x16\x03\x01\x00\x40" + b"\x01\x01\xff\x00" + bytes(60)
    with socket.create_connection(("127.0.0.1", server.tls_port), timeout=20) as peer:
        peer.sendall(record)
        with contextlib.suppress(ConnectionError):
            assert peer.recv(100) == b""
    assert "its handshake takes too much memory" in server.log()


def test_renegotiation_is_refused(secure, papers):
    """The client asks with a new hello inside TLS 1.2, is told no, and gives up; others go on."""
    server = secure(tls_auth_clients="no")
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.tls_port}", "-tls1_2",
               "-CAfile", str(papers.authority.file)]
    for _ in range(5):
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, bufsize=0) as process:
            process.stdin.write(b"PING\n")
            while (line := process.stdout.readline()) and b"+PONG" not in line:
                pass
            assert b"+PONG" in line
            process.stdin.write(b"R\n")
            output = process.stdout.read().decode(errors="replace")
            process.wait(20)
        assert "RENEGOTIATING" in output
        assert "no renegotiation" in output
    assert not is_refused(server, papers, None)


def test_who_does_not_read_the_handshake(secure, papers):
    """Its socket is full: the server waits for room, and does not spin."""
    server = secure()
    hello = Hello(papers).bytes()
    peers = []
    for _ in range(20):
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        peer.connect(("127.0.0.1", server.tls_port))
        peer.sendall(hello)
        peers.append(peer)
    time.sleep(0.5)
    before = sum(os.times()[:2]), cpu_of(server)
    time.sleep(1)
    assert cpu_of(server) - before[1] < 0.5
    for peer in peers:
        peer.close()


def cpu_of(server):
    with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_memory_of_connections_comes_back(secure, papers):
    server = secure()
    for _ in range(3):
        clients = [connect(server, papers) for _ in range(50)]
        for client in clients:
            assert client.call("PING") == "PONG"
            assert len(client.call("ECHO", "x" * 100000)) == 100000
        with Client(server.port) as plain:
            listed = plain.call("CLIENT", "LIST").decode().splitlines()
            rest = sorted(int(line.split("tot-mem=")[1].split()[0]) for line in listed)
            assert rest[25] < 40000, rest
        for client in clients:
            client.close()
        wait_for(lambda: clients_of(server) == 0)
    with Client(server.port) as plain:
        memory = plain.call("INFO", "memory").decode()
    assert int(memory.split("mem_clients_normal:")[1].split()[0]) < 50000


# ---- real clients -------------------------------------------------------------------------------

@pytest.mark.skipif(not shutil.which("redis-cli"), reason="redis-cli is not installed")
def test_redis_cli(secure, papers):
    server = secure()
    command = ["redis-cli", "--tls", "-p", str(server.tls_port), "--cacert",
               str(papers.authority.file), "--cert", str(papers.alice[0]), "--key",
               str(papers.alice[1])]
    done = subprocess.run([*command, "SET", "a", "b"], capture_output=True, text=True, check=True)
    assert done.stdout == "OK\n"
    lines = "".join(f"SET key{i} {i}\r\n" for i in range(20000))
    done = subprocess.run([*command, "--pipe"], input=lines, capture_output=True, text=True,
                          check=True)
    assert "errors: 0, replies: 20000" in done.stdout


def test_redis_py(secure, papers):
    server = secure()
    client = redis.Redis(port=server.tls_port, ssl=True, ssl_certfile=str(papers.alice[0]),
                         ssl_keyfile=str(papers.alice[1]), ssl_ca_certs=str(papers.authority.file))
    assert client.set("a", b"\x00" * 200000)
    assert client.get("a") == b"\x00" * 200000
    pipe = client.pipeline(transaction=False)
    for i in range(2000):
        pipe.incr("n")
    assert pipe.execute() == list(range(1, 2001))
    client.close()


def test_debug_commands_still_know_a_local_peer(secure, papers):
    server = secure()
    with connect(server, papers) as client:
        assert not isinstance(client.call("DEBUG", "SLEEP", "0"), Error)
