"""Users and what they may do."""

import hashlib
import re

import pytest

from conftest import end, running
from resp import Error


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def lines(client):
    return [line.decode() for line in client.call("ACL", "LIST")]


def as_user(server, name, password="x"):
    client = server.client()
    assert client.call("AUTH", name, password) == "OK"
    return client


def refused(reply, text):
    assert isinstance(reply, Error) and str(reply) == "NOPERM " + text, reply


@pytest.fixture
def admin(server):
    client = server.client()
    yield client
    for name in client.call("ACL", "USERS"):
        if name != b"default":
            client.call("ACL", "DELUSER", name)
    client.call("ACL", "SETUSER", "default", "reset", "on", "nopass", "~*", "&*", "+@all")
    client.call("ACL", "LOG", "RESET")


def test_a_user_is_shown_as_its_rules(admin):
    assert lines(admin) == ["user default on nopass sanitize-payload ~* &* +@all"]
    assert admin.call("ACL", "SETUSER", "al") == "OK"
    assert lines(admin)[0] == "user al off sanitize-payload resetchannels -@all"
    admin.call("ACL", "SETUSER", "al", "on", ">pw", "~a*", "%R~b*", "%W~b*", "&c*", "+GET",
               "+config|get", "+select|0", "-@dangerous", "(~z*", "+set)")
    assert lines(admin)[0] == (
        f"user al on sanitize-payload #{sha('pw')} ~a* ~b* resetchannels &c* -@all +get "
        "+config|get +select|0 -@dangerous (~z* resetchannels -@all +set)")
    assert admin.call("ACL", "GETUSER", "al")[:2] == [b"flags", [b"on", b"sanitize-payload"]]
    admin.call("ACL", "SETUSER", "al", "-config", "+@all")
    assert " +@all (" in lines(admin)[0]
    assert admin.call("ACL", "GETUSER", "nobody") is None


ERRORS = """
    ACL SETUSER bob xyz
    ACL SETUSER bob +foo
    ACL SETUSER bob +@foo
    ACL SETUSER bob ~* ~foo
    ACL SETUSER bob &* &foo
    ACL SETUSER bob <nope
    ACL SETUSER bob #abc
    ACL SETUSER bob !abc
    ACL SETUSER bob +config|foo
    ACL SETUSER bob +config|get|x
    ACL SETUSER bob +get|
    ACL SETUSER bob -get|x
    ACL SETUSER bob (+get ~x
    ACL SETUSER bob "(+get xx)"
    ACL SETUSER bob "(+get (+set))"
    ACL SETUSER bob (on)
    ACL SETUSER bob %
    ACL SETUSER bob %~x
    ACL SETUSER bob %RR~x
    ACL SETUSER bob "~a b"
    ACL SETUSER bob +
    ACL SETUSER bob ""
    ACL SETUSER "b ob" on
    ACL DELUSER default
    ACL DELUSER nosuch
    ACL DELUSER nosuch default
    ACL USERS
    ACL DELUSER bob
    ACL CAT
    ACL CAT nosuch
    ACL LOG x
    ACL LOG -1
    ACL LOG 1 2
    ACL LOG RESET
    ACL DRYRUN default GET a
    ACL DRYRUN nosuch GET a
    ACL DRYRUN default nosuch a
    ACL DRYRUN default GET
    ACL GENPASS 0
    ACL GENPASS 4097
    ACL GENPASS x
    ACL GENPASS 1 2
    ACL LOAD
    ACL SAVE
    ACL WHOAMI
    ACL NOSUCH
    ACL
    AUTH x
    AUTH nosuch x
"""


def test_errors_are_those_of_redis(both):
    both.lines(ERRORS)


def test_rights_by_command_key_and_channel(server, admin):
    admin.call("ACL", "SETUSER", "al", "on", "nopass", "~a*", "%R~r*", "%W~w*", "&news.*",
               "+@string", "+publish", "+psubscribe", "+copy")
    al = as_user(server, "al")
    assert al.call("ACL", "WHOAMI") and al.call("SET", "a1", "x") == "OK"
    refused(al.call("CONFIG", "GET", "x"),
            "User al has no permissions to run the 'config|get' command")
    key = "No permissions to access a key"
    refused(al.call("GET", "b"), key)
    refused(al.call("MSET", "a", 1, "b", 2), key)
    refused(al.call("SET", "r1", 1), key)
    assert al.call("GET", "r1") is None
    refused(al.call("GET", "w1"), key)
    assert al.call("SET", "w1", 1) == "OK"
    refused(al.call("SET", "w1", 1, "GET"), key)
    assert al.call("COPY", "r1", "w2") == 0
    refused(al.call("COPY", "w1", "w2"), key)
    assert al.call("PUBLISH", "news.x", "m") == 0
    refused(al.call("PUBLISH", "olds", "m"), "No permissions to access a channel")
    refused(al.call("PSUBSCRIBE", "news.x*"), "No permissions to access a channel")


def test_subscribers_lose_what_is_no_longer_theirs(server, admin):
    admin.call("ACL", "SETUSER", "al", "on", "nopass", "&a*", "&b", "+subscribe", "+psubscribe")
    first, second = as_user(server, "al"), as_user(server, "al")
    first.call("SUBSCRIBE", "a1")
    second.call("PSUBSCRIBE", "b")
    admin.call("ACL", "SETUSER", "al", "resetchannels", "&a1")
    assert admin.call("PUBLISH", "a1", "m") == 1 and first.read()[2] == b"m"
    with pytest.raises((OSError, EOFError)):
        second.read()


def test_what_was_queued_is_asked_again(server, admin):
    admin.call("ACL", "SETUSER", "al", "on", "nopass", "~*", "+@all")
    al = as_user(server, "al")
    al.call("MULTI")
    assert al.call("SET", "a", 1) == "QUEUED" and al.call("SET", "b", 2) == "QUEUED"
    admin.call("ACL", "SETUSER", "al", "resetkeys", "~a")
    reply = al.call("EXEC")
    assert reply[0] == "OK" and str(reply[1]).endswith(
        "for the following reason: no permission to touch the specified keys")
    al.call("MULTI")
    refused(al.call("SET", "b", 2), "No permissions to access a key")
    assert str(al.call("EXEC")).startswith("EXECABORT")
    entries = admin.call("ACL", "LOG")
    assert entries[0][5] == b"multi" and entries[0][1] == 2


def test_first_arguments_and_selectors(server, admin):
    admin.call("ACL", "SETUSER", "al", "on", "nopass", "+select|1", "+get", "~a",
               "(%R~b +@read)", "(~c +set)")
    al = as_user(server, "al")
    assert al.call("SELECT", "1") == "OK"
    refused(al.call("SELECT", "0"), "User al has no permissions to run the 'select' command")
    assert al.call("GET", "a") is None and al.call("GET", "b") is None
    assert al.call("STRLEN", "b") == 0
    assert al.call("SET", "c", "x") == "OK"
    refused(al.call("SET", "a", "x"), "No permissions to access a key")
    refused(al.call("GET", "c"), "No permissions to access a key")


def test_rights_change_at_once_and_deleted_users_are_gone(server, admin):
    admin.call("ACL", "SETUSER", "al", "on", "nopass", "~*", "+@all")
    al = as_user(server, "al")
    assert al.call("SET", "a", "x") == "OK"
    admin.call("ACL", "SETUSER", "al", "-set")
    refused(al.call("SET", "a", "x"), "User al has no permissions to run the 'set' command")
    assert al.call("GET", "a") == b"x"
    assert al.call("ACL", "DELUSER", "al") == 1
    with pytest.raises((OSError, EOFError)):
        al.call("GET", "a")
    assert str(server.client().call("AUTH", "al", "x")).startswith("WRONGPASS")


def test_a_waiting_command_is_asked_again(server, admin):
    admin.call("ACL", "SETUSER", "al", "on", "nopass", "~*", "+@all")
    al = as_user(server, "al")
    al.send("BLPOP", "list", "0")
    while b"flags=b" not in admin.call("CLIENT", "LIST"):
        pass
    admin.call("ACL", "SETUSER", "al", "resetkeys", "~other")
    admin.call("RPUSH", "list", "x")
    refused(al.read(), "No permissions to access a key")
    assert admin.call("LLEN", "list") == 1


def test_passwords(server, admin):
    admin.call("ACL", "SETUSER", "al", "on", ">one", "#" + sha("two"), "+@all")
    assert str(server.client().call("AUTH", "al", "three")).startswith("WRONGPASS")
    as_user(server, "al", "one")
    as_user(server, "al", "two")
    admin.call("ACL", "SETUSER", "al", "<one")
    assert str(server.client().call("AUTH", "al", "one")).startswith("WRONGPASS")
    admin.call("ACL", "SETUSER", "al", "off")
    assert str(server.client().call("AUTH", "al", "two")).startswith("WRONGPASS")
    admin.call("ACL", "SETUSER", "al", "on")
    hello = server.client().call("HELLO", "3", "AUTH", "al", "two")
    assert not isinstance(hello, Error)
    client = as_user(server, "al", "two")
    assert b"user=al" in client.call("CLIENT", "INFO")
    assert client.call("RESET") == "RESET"
    assert client.call("ACL", "WHOAMI") == b"default"


def test_requirepass_is_the_default_users_password(server, admin):
    assert admin.call("CONFIG", "SET", "requirepass", "pw") == "OK"
    assert lines(admin) == [f"user default on sanitize-payload #{sha('pw')} ~* &* +@all"]
    other = server.client()
    assert str(other.call("GET", "a")).startswith("NOAUTH")
    assert other.call("AUTH", "pw") == "OK" and other.call("GET", "a") is None
    assert admin.call("CONFIG", "SET", "requirepass", "") == "OK"
    assert lines(admin) == ["user default on nopass sanitize-payload ~* &* +@all"]
    admin.call("ACL", "SETUSER", "default", "off")
    assert str(server.client().call("GET", "a")).startswith("NOAUTH")


def test_what_was_refused_is_noted(server, admin):
    admin.call("ACL", "LOG", "RESET")
    admin.call("ACL", "SETUSER", "al", "on", ">secret", "~a", "+get")
    client = server.client()
    client.call("AUTH", "al", "wrong-secret")
    al = as_user(server, "al", "secret")
    for _ in range(3):
        al.call("GET", "b")
    al.call("SET", "a", "x")
    entries = [dict(zip(e[::2], e[1::2])) for e in admin.call("ACL", "LOG")]
    short = [(e[b"count"], e[b"reason"], e[b"object"], e[b"username"]) for e in entries]
    assert short == [(1, b"command", b"set", b"al"), (3, b"key", b"b", b"al"),
                     (1, b"auth", b"AUTH", b"al")]
    assert [e[b"entry-id"] for e in entries] == sorted([e[b"entry-id"] for e in entries])[::-1]
    assert all(e[b"timestamp-created"] <= e[b"timestamp-last-updated"] for e in entries)
    assert all(e[b"context"] == b"toplevel" for e in entries)
    assert b"user=al" in entries[0][b"client-info"]
    assert b"secret" not in b"".join(e[b"client-info"] for e in entries)
    assert len(admin.call("ACL", "LOG", "1")) == 1
    admin.call("CONFIG", "SET", "acllog-max-len", "1")
    al.call("SET", "b", "x")
    assert len(admin.call("ACL", "LOG")) == 1
    admin.call("CONFIG", "SET", "acllog-max-len", "128")
    stats = admin.call("INFO", "stats").decode()
    assert int(re.search(r"acl_access_denied_key:(\d+)", stats)[1]) >= 3


def test_notes_say_which_command_was_refused(server, admin):
    admin.call("ACL", "SETUSER", "al", "on", "nopass", "~a", "+get", "+multi", "+eval")
    al = as_user(server, "al")
    al.call("GET", "b")
    al.call("MULTI")
    al.call("SET", "a", "x")
    infos = [dict(zip(e[::2], e[1::2]))[b"client-info"] for e in admin.call("ACL", "LOG")]
    assert b" cmd=set " in infos[0] and b" cmd=get " in infos[1]


def test_scripts_tell_what_their_user_may_not(server, admin):
    admin.call("ACL", "SETUSER", "al", "on", "nopass", "~a", "+get", "+eval", "+eval_ro")
    al = as_user(server, "al")
    words = "ERR ACL failure in script: User al has no permissions to run the 'set' command"
    for name in "EVAL", "EVAL_RO":
        assert str(al.call(name, "return redis.pcall('set', 'a', 1)", 0)) == words
        assert str(al.call(name, "return redis.call('set', 'a', 1)", 0)).startswith(words + " scr")
    assert str(al.call("EVAL", "return redis.pcall('get', 'b')", 0)) == \
        "ERR ACL failure in script: No permissions to access a key"


def test_exec_that_is_refused_ends_the_transaction(server, admin):
    admin.call("ACL", "SETUSER", "al", "on", "nopass", "allkeys", "+@all", "-exec")
    al = as_user(server, "al")
    refusal = ("EXECABORT Transaction discarded because of: NOPERM User al has no permissions to "
               "run the 'exec' command")
    assert str(al.call("EXEC")) == refusal
    al.call("MULTI")
    assert str(al.call("EXEC")) == refusal and al.call("GET", "x") is None


def test_the_pattern_of_all_keys_is_told_apart_from_all_keys(admin):
    """So that what is saved can be loaded: behind ~* no pattern may come."""
    admin.call("ACL", "SETUSER", "al", "%RW~*", "%R~a")
    told = lines(admin)[0]
    assert told == "user al off sanitize-payload %RW~* %R~a resetchannels -@all"
    assert admin.call("ACL", "SETUSER", "al", "reset", *told.split()[2:]) == "OK"
    assert lines(admin)[0] == told


def test_a_lone_star_is_not_the_empty_name(server, admin):
    admin.call("ACL", "SETUSER", "al", "+get", "%R~*")
    assert b"access the '' key" in admin.call("ACL", "DRYRUN", "al", "GET", "")
    admin.call("ACL", "SETUSER", "al", "~*")
    assert admin.call("ACL", "DRYRUN", "al", "GET", "") == "OK"


def test_dry_run(server, admin):
    admin.call("ACL", "SETUSER", "al", "~a", "+get", "+sort")
    run = lambda *words: admin.call("ACL", "DRYRUN", "al", *words)
    assert run("GET", "a") == "OK"
    assert run("GET", "b") == b"User al has no permissions to access the 'b' key"
    assert run("SET", "a", "b") == b"User al has no permissions to run the 'set' command"


@pytest.mark.parametrize("rules, may", [
    (("~list", "+sort", "+sort_ro", "+eval"), False),
    (("~list", "~w_*", "%W~*", "+sort", "+sort_ro", "+eval"), False),
    (("%R~*", "+eval", "(~list +sort +sort_ro)"), False),
    (("~list", "+eval", "(%R~* %W~kept +sort +sort_ro)"), True),
    (("allkeys", "+sort", "+sort_ro", "+eval"), True),
])
def test_patterns_of_sort_read_every_key(server, admin, rules, may):
    admin.call("RPUSH", "list", "2", "1")
    admin.call("MSET", "w_1", "8", "w_2", "9")
    admin.call("ACL", "SETUSER", "al", "on", ">x", *rules)
    al = as_user(server, "al")
    for name in "SORT", "SORT_RO":
        for option, words in (("BY", ["BY", "w_*"]), ("GET", ["GET", "#", "GET", "w_*"]),
                              ("GET", ["BY", "nosort", "GET", "h_*->field"])):
            refusal = f"ERR {option} option of SORT denied due to insufficient ACL permissions."
            reply = al.call(name, "list", *words)
            assert isinstance(reply, list) if may else str(reply) == refusal, (words, reply)
            reply = al.call("EVAL", "return redis.call(unpack(ARGV))", "0", name, "list", *words)
            assert isinstance(reply, list) if may else refusal in str(reply), (words, reply)
        assert al.call(name, "list") == [b"1", b"2"]
        assert al.call(name, "list", "BY", "nosort", "GET", "#") == [b"2", b"1"]
    admin.call("DEL", "list", "w_1", "w_2")


def test_clients_are_killed_by_user(server, admin):
    admin.call("ACL", "SETUSER", "al", "on", "nopass", "+@all")
    as_user(server, "al")
    as_user(server, "al")
    assert admin.call("CLIENT", "KILL", "USER", "al") == 2
    assert str(admin.call("CLIENT", "KILL", "USER", "nobody")).startswith("ERR No such user")


# --- files ----------------------------------------------------------------------------------------

def start(program, directory, *options, **more):
    return running(program, directory, *options, **more)


def test_configuration_is_rewritten_with_users(snug_program, tmp_path):
    path = tmp_path / "snug.conf"
    path.write_text('user default on ">pw x" ~* &* +@all\nuser al on nopass +ping "(~a* +get)"\n')
    server = start(snug_program, tmp_path, config=path)
    client = server.client()
    assert str(client.call("GET", "a")).startswith("NOAUTH")
    assert client.call("AUTH", "pw x") == "OK"
    before = lines(client)
    assert client.call("ACL", "SETUSER", "carl", "on", ">c", "~c*", "+@all") == "OK"
    assert client.call("ACL", "DELUSER", "al") == 1
    assert client.call("CONFIG", "REWRITE") == "OK"
    after = lines(client)
    end(server)
    assert len(before) == 2 and "al" not in path.read_text().split()
    server = start(snug_program, tmp_path, config=path)
    client = server.client()
    assert client.call("AUTH", "pw x") == "OK"
    assert lines(client) == after
    end(server)


@pytest.mark.parametrize("text, reason", [
    ("user\n", "Bad directive or wrong number of arguments"),
    ("user bob on foo\n", "Error in user declaration 'foo': Syntax error"),
    ("user bob on\nuser bob off\n", "Duplicate user found"),
    ('user "a b" on\n', "Spaces not allowed in ACL usernames"),
    ("user bob (on\n", "Unmatched parenthesis"),
    ("user bob +nosuch\n", "Unknown command or category name in ACL"),
    ("aclfile nosuch.acl\n", "Error loading ACLs, opening file 'nosuch.acl'"),
    ("aclfile nosuch.acl\nuser a on\n", "but not both"),
])
def test_a_start_is_refused(snug_program, tmp_path, text, reason):
    path = tmp_path / "snug.conf"
    path.write_text(text)
    with pytest.raises(RuntimeError) as caught:
        start(snug_program, tmp_path, config=path)
    assert "ended (1)" in str(caught.value) and reason in str(caught.value)


def test_file_of_users_is_taken_wholly_or_not_at_all(snug_program, tmp_path):
    path = tmp_path / "users.acl"
    path.write_text(f"user al on #{sha('a')} ~a* +@all\n\nuser bob on nopass +@all ~*\n")
    server = start(snug_program, tmp_path, "--aclfile", path)
    client = server.client()
    bob = as_user(server, "bob")
    good = lines(client)
    assert [line.split()[1] for line in good] == ["al", "bob", "default"]
    path.write_text("user al on foo\nnonsense\nuser x +nosuch\nuser al off\nuser \"\n")
    reply = str(client.call("ACL", "LOAD"))
    assert reply.startswith(f"ERR {path}:1: Syntax error. {path}:2 should start with user keyword")
    assert f"{path}:3: Error in applying operation '+nosuch': Unknown command" in reply
    assert reply.endswith("no change to the previously active ACL rules was performed")
    assert lines(client) == good and bob.call("PING") == "PONG"
    assert client.call("ACL", "SETUSER", "carl", ">pw", "on", "(+get ~a)") == "OK"
    assert client.call("ACL", "SAVE") == "OK"
    saved = lines(client)
    assert path.read_text().splitlines() == saved and path.stat().st_mode & 0o777 == 0o600
    client.call("ACL", "DELUSER", "carl")
    assert client.call("ACL", "LOAD") == "OK"
    assert lines(client) == saved
    with pytest.raises((OSError, EOFError)):
        bob.call("PING")
    path.unlink()
    assert str(client.call("ACL", "LOAD")).startswith("ERR Error loading ACLs, opening file")
    assert lines(client) == saved
    end(server)


def test_new_users_listen_as_configured(snug_program, tmp_path):
    server = start(snug_program, tmp_path, "--acl-pubsub-default", "allchannels")
    client = server.client()
    client.call("ACL", "SETUSER", "al", "(+get)")
    assert lines(client)[0] == "user al off sanitize-payload &* -@all (&* -@all +get)"
    end(server)


def test_rights_are_about_commands_and_not_about_their_names(snug_program, tmp_path):
    path = tmp_path / "snug.conf"
    path.write_text('rename-command GET FETCH\nrename-command SET ""\nuser al on nopass ~* +get\n')
    server = start(snug_program, tmp_path, config=path)
    al = as_user(server, "al")
    assert al.call("FETCH", "a") is None
    assert "unknown command" in str(al.call("GET", "a"))
    assert "unknown command" in str(al.call("SET", "a", "b"))
    end(server)
