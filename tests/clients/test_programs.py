"""Clients in JavaScript, C, PHP, Ruby, Perl, Lua and Go: each check of a program is one test."""

import pytest

import serving
from programs import Program, built

NODE = ("ioredis", "node_redis", "glide", "bullmq", "queues", "web", "socket_io")
GO = ("env", "GO111MODULE=off", "GOPATH=/usr/share/gocode", "GOFLAGS=", "GOCACHE=CACHE")
PROGRAMS = {
    **{name: Program(f"node/{name}.js", "node") for name in NODE},
    "hiredis": Program("c/hiredis.c", build=built(
        "hiredis", "cc", "-std=c17", "-O1", "-o", "TARGET", "SOURCE", "-lhiredis")),
    "phpredis": Program("php/phpredis.php", "php"),
    "predis": Program("php/predis.php", "php"),
    "redis_rb": Program("ruby/redis_rb.rb", "/usr/bin/ruby"),
    "perl": Program("perl/redis.pl", "/usr/bin/perl"),
    "redis_lua": Program("lua/redis_lua.lua", "lua5.1"),
    "redigo": Program("go/redigo.go", build=built(
        "redigo", *GO, "go", "build", "-o", "TARGET", "SOURCE")),
}


@pytest.fixture(scope="module")
def outcomes(snug_program, tmp_path_factory):
    """What each program said; it runs when the first of its checks is asked for."""
    known = {}

    def outcomes_of(language):
        if language not in known:
            directory = tmp_path_factory.mktemp(language)
            server = serving.running(snug_program, directory)
            try:
                known[language] = PROGRAMS[language].run(server.port, directory)
            finally:
                serving.end(server)
        return known[language]
    return outcomes_of


@pytest.mark.parametrize("program, name", [(program, name) for program, source in PROGRAMS.items()
                                           for name in source.names()])
def test_program(outcomes, program, name):
    reason = outcomes(program)[name]
    assert reason is None, reason
