"""Django: its cache framework and its sessions, kept in the server by django-redis."""
import os
import sys
import traceback

import django
import redis
from django.conf import settings

PORT = int(os.environ["CAIRN_PORT"])


def location(db):
    return {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": f"redis://127.0.0.1:{PORT}/{db}", "TIMEOUT": 300}


settings.configure(
    SECRET_KEY="not a secret",
    CACHES={"default": location(1), "sessions": location(2)},
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
    SESSION_CACHE_ALIAS="sessions",
    CACHE_MIDDLEWARE_SECONDS=600,
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["django.contrib.sessions"],
    MIDDLEWARE=["django.middleware.cache.UpdateCacheMiddleware", "django.contrib.sessions.middleware.SessionMiddleware",
                "django.middleware.cache.FetchFromCacheMiddleware"],
    ROOT_URLCONF="__main__",
)
django.setup()

from django.core.cache import cache, caches  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import path  # noqa: E402
from django.views.decorators.cache import never_cache  # noqa: E402

visits = 0
tests = []


class Skip(Exception):
    pass


def page(request):
    global visits
    visits += 1
    return HttpResponse(f"visit {visits}")


@never_cache
def counter(request):
    request.session["count"] = request.session.get("count", 0) + 1
    return HttpResponse(str(request.session["count"]))


urlpatterns = [path("page", page), path("counter", counter)]


def test(function):
    tests.append(function)
    return function


@test
def values():
    value = {"list": [1, 2, 3], "text": "\u00fc", "none": None, "bytes": bytes(range(256))}
    cache.set("value", value)
    assert cache.get("value") == value and cache.get("nosuch", "default") == "default"
    assert cache.add("added", 1) and not cache.add("added", 2) and cache.get("added") == 1
    assert cache.get_or_set("made", lambda: 42) == 42 and cache.get_or_set("made", 43) == 42
    assert "made" in cache and cache.delete("made") and not cache.delete("made")


@test
def counters():
    cache.set("counter", 1)
    try:
        assert cache.incr("counter", 5) == 6 and cache.decr("counter") == 5
    except redis.ResponseError as error:
        assert "unknown command" in str(error)
        raise Skip("django-redis counts in a script, and the server has none, and says so")


@test
def patterns_and_locks():
    cache.set_many({f"pattern:{i}": i for i in range(100)})
    assert {*cache.keys("pattern:1*")} == {f"pattern:{i}" for i in range(100) if str(i).startswith("1")}
    assert len([*cache.iter_keys("pattern:*", itersize=10)]) == 100 and cache.delete_pattern("pattern:*") == 100
    assert cache.ttl("value") > 0 and cache.persist("value") and cache.ttl("value") is None and cache.expire("value", 100)


@test
def many_values():
    cache.set_many({f"many:{i}": i * i for i in range(1000)})
    assert cache.get_many([f"many:{i}" for i in range(0, 1100, 2)]) == {f"many:{i}": i * i for i in range(0, 1000, 2)}
    cache.delete_many([f"many:{i}" for i in range(500)])
    assert len(cache.get_many([f"many:{i}" for i in range(1000)])) == 500


@test
def times_to_live():
    raw = redis.Redis(port=PORT, db=1)
    cache.set("timed", 1, timeout=1000)
    assert 0 < raw.ttl(":1:timed") <= 1000 and cache.touch("timed", 5000) and raw.ttl(":1:timed") > 1000
    assert cache.touch("timed", None) and raw.ttl(":1:timed") == -1 and not cache.touch("nosuch")
    cache.set("timed", 2, timeout=0)
    assert cache.get("timed") is None


@test
def versions_and_databases():
    cache.set("versioned", "one", version=1)
    cache.set("versioned", "two", version=2)
    assert cache.get("versioned", version=2) == "two" and cache.incr_version("versioned") == 2
    assert cache.get("versioned") is None and cache.get("versioned", version=2) == "one"
    caches["sessions"].set("elsewhere", 1)
    assert cache.get("elsewhere") is None


@test
def cached_pages():
    client = Client()
    assert client.get("/page").content == b"visit 1" and client.get("/page").content == b"visit 1"
    cache.clear()
    assert client.get("/page").content == b"visit 2"


@test
def sessions():
    one, other = Client(), Client()
    assert [one.get("/counter").content for _ in range(3)] == [b"1", b"2", b"3"]
    assert other.get("/counter").content == b"1" and one.get("/counter").content == b"4"


failed = False
for function in tests:
    name = function.__name__.replace("_", " ")
    try:
        function()
        print(f"ok {name}")
    except Skip as reason:
        print(f"skip {name}: {reason}")
    except Exception as error:
        failed = True
        line = traceback.extract_tb(error.__traceback__)[-1]
        print(f"not ok {name}: line {line.lineno}: {line.line}: {error!r}"[:400].replace("\n", " "))
sys.exit(failed)
