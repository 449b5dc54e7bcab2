"""django-redis: Django's cache and its sessions."""

import pytest

from waiting import until

django = pytest.importorskip("django", reason="python3-django-redis: tools/setup.sh test")


@pytest.fixture(name="cache")
def django_cache(module_server):
    from django.conf import settings
    if not settings.configured:
        settings.configure(
            SECRET_KEY="s", SESSION_ENGINE="django.contrib.sessions.backends.cache",
            CACHES={"default": {
                "BACKEND": "django_redis.cache.RedisCache",
                "LOCATION": f"redis://127.0.0.1:{module_server.port}/1",
                "OPTIONS": {"CLIENT_CLASS": "django_redis.client.DefaultClient"}}})
        django.setup()
    from django.core.cache import cache
    cache.clear()
    yield cache
    cache.close()


def test_cache(cache):
    cache.set("k", {"a": [1, 2.5, None]}, timeout=100)
    assert cache.get("k") == {"a": [1, 2.5, None]} and 80 < cache.ttl("k") <= 100
    assert cache.add("k", 1) is False and cache.get("absent", "none") == "none"
    cache.set_many({f"m:{i}": i for i in range(100)})
    assert cache.get_many([f"m:{i}" for i in range(100)]) == {f"m:{i}": i for i in range(100)}
    assert cache.incr("m:5", 10) == 15 and cache.decr("m:5") == 14
    assert cache.get_or_set("dear", lambda: "computed") == "computed"
    cache.set("brief", 1, timeout=0.05)
    until(lambda: cache.get("brief") is None, "the end of a value")
    assert sorted(cache.keys("m:*")) == sorted(f"m:{i}" for i in range(100))
    assert cache.delete_pattern("m:*") == 100 and cache.get("m:1") is None
    assert cache.touch("k", 10) and cache.ttl("k") <= 10
    assert cache.persist("k") and cache.ttl("k") is None


def test_locks(cache):
    with cache.lock("lock", timeout=10):
        assert not cache.lock("lock", timeout=10).acquire(blocking=False)
    assert cache.lock("lock", timeout=10).acquire(blocking=False)


def test_sessions(cache):
    from django.contrib.sessions.backends.cache import SessionStore
    session = SessionStore()
    session["user"] = 42
    session.save()
    assert SessionStore(session_key=session.session_key)["user"] == 42
    session.cycle_key()
    assert SessionStore(session_key=session.session_key)["user"] == 42
    session.flush()
    assert not SessionStore().exists(session.session_key)
