"""redis-py: what Python programs do with it."""
import asyncio
import os
import sys
import threading
import time
import traceback

import redis
import redis.asyncio

PORT = int(os.environ["CAIRN_PORT"])
SOCKET = os.environ["CAIRN_SOCKET"]
TLS_PORT = os.environ.get("CAIRN_TLS_PORT")
r = redis.Redis(port=PORT, decode_responses=True, socket_timeout=60)
tests = []
failed = False


def test(function):
    tests.append(function)
    return function


def soon(condition):
    """Waits until the condition holds, a minute at most."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


class Skip(Exception):
    pass


def has_command(name):
    return name in r.execute_command("COMMAND LIST")


@test
def strings():
    assert r.set("k", "v", ex=1000) and 0 < r.ttl("k") <= 1000
    assert r.set("k", "w", nx=True) is None and r.set("k", "w", xx=True, keepttl=True)
    assert r.set("k", "x", get=True) == "w" and r.getex("k", persist=True) == "x" and r.ttl("k") == -1
    assert r.incrbyfloat("f", 1.5) == 1.5 and r.incr("n", 5) == 5 and r.append("k", "yz") == 3
    assert r.mset({"a": 1, "b": 2}) and r.mget("a", "nosuch", "b") == ["1", None, "2"]
    assert r.getdel("k") == "xyz" and r.exists("k") == 0
    assert r.setrange("s", 3, "abc") == 6 and r.getrange("s", 3, -1) == "abc"
    assert redis.Redis(port=PORT).set(b"\x00\xff", bytes(range(256))) and redis.Redis(port=PORT).get(b"\x00\xff") == bytes(range(256))


@test
def bits_and_logs():
    assert r.bitfield("bf").set("u8", 0, 255).incrby("u8", 0, 1).get("u8", 0).execute() == [0, 0, 0]
    r.setbit("bits", 7, 1)
    assert r.bitcount("bits") == 1 and r.bitpos("bits", 1) == 7 and r.bitop("NOT", "not", "bits") == 1
    assert r.pfadd("hll", *range(1000)) == 1 and 950 <= r.pfcount("hll") <= 1050
    assert r.geoadd("geo", (13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania")) == 2
    assert 166 < r.geodist("geo", "Palermo", "Catania", unit="km") < 167
    assert r.geosearch("geo", longitude=15, latitude=37, radius=200, unit="km", sort="ASC") == ["Catania", "Palermo"]


@test
def collections():
    assert r.hset("h", mapping={"f": 1, "g": "x"}) == 2 and r.hgetall("h") == {"f": "1", "g": "x"}
    assert r.hincrby("h", "f", 4) == 5 and r.hmget("h", "f", "no") == ["5", None]
    assert r.rpush("l", *"abcde") == 5 and r.lrange("l", 0, -1) == list("abcde")
    assert r.lmove("l", "m", "LEFT", "RIGHT") == "a" and r.lpos("l", "d") == 2 and r.lpop("l", 2) == ["b", "c"]
    assert r.sadd("s1", *"abc") == 3 and r.sadd("s2", *"bcd") == 3 and r.sinter("s1", "s2") == {"b", "c"}
    assert r.smismember("s1", ["a", "z"]) == [1, 0] and r.sintercard(2, ["s1", "s2"]) == 2
    assert r.zadd("z", {"a": 1, "b": 2, "c": 3}) == 3 and r.zadd("z", {"a": 5}, gt=True, ch=True) == 1
    assert r.zrange("z", 0, -1, withscores=True) == [("b", 2.0), ("c", 3.0), ("a", 5.0)]
    assert r.zrange("z", 2, 4, byscore=True) == ["b", "c"] and r.zrevrank("z", "a") == 0
    assert r.zunion(["z", "s1"], withscores=True) == [("b", 3.0), ("c", 4.0), ("a", 6.0)]
    assert r.zpopmin("z") == [("b", 2.0)] and r.zrandmember("z") in ("a", "c")
    assert r.sort("s1", alpha=True, desc=True) == ["c", "b", "a"]


@test
def scan_iterators():
    with r.pipeline(transaction=False) as pipe:
        for i in range(5000):
            pipe.set(f"scan:{i}", i)
            pipe.hset("scanned", f"f{i}", i)
            pipe.sadd("members", i)
            pipe.zadd("scores", {f"m{i}": i})
        pipe.execute()
    assert {*r.scan_iter("scan:*", count=100)} == {f"scan:{i}" for i in range(5000)}
    assert len(dict(r.hscan_iter("scanned", count=100))) == 5000
    assert len({*r.sscan_iter("members", match="1*")}) == 1111
    assert len(dict(r.zscan_iter("scores"))) == 5000
    assert {*r.scan_iter(_type="hash")} >= {"scanned", "h"} and "members" not in {*r.scan_iter(_type="hash")}


@test
def pipelines_and_transactions():
    with r.pipeline() as pipe:
        assert pipe.set("p", 1).incr("p").lrange("l", 0, -1).execute() == [True, 2, ["d", "e"]]
    with r.pipeline() as pipe:
        try:
            pipe.set("p", "text").incr("p").set("after", 1).execute()
            raise AssertionError("no error")
        except redis.ResponseError as error:
            assert "Command # 2" in str(error) and r.get("after") == "1", error
    with r.pipeline() as pipe:
        assert len(pipe.set("q", 1).incr("missing" * 3).get("q").execute(raise_on_error=False)) == 3
    results = r.pipeline(transaction=False)
    for i in range(20000):
        results.incr("many")
    assert results.execute() == list(range(1, 20001))


@test
def optimistic_locking():
    r.set("balance", 0)

    def add(pipe):
        value = int(pipe.get("balance"))
        pipe.multi()
        pipe.set("balance", value + 1)

    def worker():
        own = redis.Redis(port=PORT)
        for _ in range(50):
            own.transaction(add, "balance")

    threads = [threading.Thread(target=worker) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert r.get("balance") == "200"
    with r.pipeline() as pipe:
        pipe.watch("balance")
        r.set("balance", "other")
        pipe.multi()
        pipe.set("balance", "mine")
        try:
            pipe.execute()
            raise AssertionError("no WatchError")
        except redis.WatchError:
            pass


@test
def connection_pools():
    pool = redis.BlockingConnectionPool(port=PORT, max_connections=8, timeout=60)
    shared = redis.Redis(connection_pool=pool)
    shared.delete("pooled")
    threads = [threading.Thread(target=lambda: [shared.incr("pooled") for _ in range(200)]) for _ in range(24)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert shared.get("pooled") == b"4800"
    own = redis.Redis.from_url(f"redis://127.0.0.1:{PORT}/3", client_name="from-url")
    assert own.set("where", 3) and own.client_getname() == "from-url" and r.get("where") is None
    assert redis.Redis(unix_socket_path=SOCKET, db=3).get("where") == b"3"
    assert any(c["name"] == "from-url" and c["db"] == "3" for c in r.client_list())
    r.client_kill_filter(_id=own.client_id())
    retried = redis.Redis(port=PORT, db=3, retry_on_error=[redis.ConnectionError], health_check_interval=1)
    r.client_kill_filter(_id=retried.client_id())
    assert retried.get("where") == b"3"


@test
def blocking():
    def later(function, *args):
        def run():
            soon(lambda: int(r.info("clients")["blocked_clients"]) > 0)
            function(*args)
        thread = threading.Thread(target=run)
        thread.start()
        return thread

    own = redis.Redis(port=PORT, decode_responses=True)
    for push, args, wait, expected in (
        (r.rpush, ("bl", "x"), lambda: own.blpop(["other", "bl"], timeout=60), ("bl", "x")),
        (r.lpush, ("bl", "y"), lambda: own.brpop("bl", timeout=60), ("bl", "y")),
        (r.lpush, ("bl", "z"), lambda: own.blmove("bl", "dst", 60, "LEFT", "RIGHT"), "z"),
        (r.zadd, ("bz", {"m": 2}), lambda: own.bzpopmin("bz", timeout=60), ("bz", "m", 2.0)),
        (r.xadd, ("bx", {"f": "v"}), lambda: own.xread({"bx": "$"}, block=60000)[0][1][0][1], {"f": "v"}),
    ):
        thread = later(push, *args)
        assert wait() == expected
        thread.join()
    assert own.blpop("nothing", timeout=0.05) is None
    # a queue: several workers take what one producer makes, each job once
    done, workers = [], []

    def work():
        mine = redis.Redis(port=PORT, decode_responses=True)
        while True:
            _, job = mine.blpop("jobs", timeout=60)
            if job == "end":
                return
            done.append(job)

    workers = [threading.Thread(target=work) for _ in range(4)]
    [w.start() for w in workers]
    for i in range(500):
        r.rpush("jobs", i)
    r.rpush("jobs", *["end"] * 4)
    [w.join() for w in workers]
    assert sorted(map(int, done)) == list(range(500))


@test
def streams():
    ids = [r.xadd("st", {"n": i}) for i in range(100)]
    assert r.xlen("st") == 100 and r.xrange("st", ids[10], ids[12])[2] == (ids[12], {"n": "12"})
    assert r.xgroup_create("st", "g", "0") and r.xgroup_createconsumer("st", "g", "idle") == 1
    first = r.xreadgroup("g", "c1", {"st": ">"}, count=60)[0][1]
    second = r.xreadgroup("g", "c2", {"st": ">"}, count=60)[0][1]
    assert len(first) == 60 and len(second) == 40
    assert r.xack("st", "g", *[i for i, _ in first[:50]]) == 50
    pending = r.xpending("st", "g")
    assert pending["pending"] == 50 and {c["name"]: c["pending"] for c in pending["consumers"]} == {"c1": 10, "c2": 40}
    assert len(r.xpending_range("st", "g", "-", "+", 5, "c1")) == 5
    assert len(r.xautoclaim("st", "g", "c3", 0, count=5)[1]) == 5
    assert r.xinfo_groups("st")[0]["consumers"] == 4 and r.xtrim("st", maxlen=10, approximate=False) == 90


def subscribed(p, count):
    got = []
    end = time.monotonic() + 60
    while len(got) < count and time.monotonic() < end:
        message = p.get_message(timeout=1)
        if message:
            got.append((message["type"], message["channel"], message["data"]))
    return got


@test
def publish_and_subscribe():
    if not has_command("subscribe"):
        raise Skip("the server has none")
    p = r.pubsub()
    p.subscribe("news")
    p.psubscribe("n*")
    assert subscribed(p, 2) == [("subscribe", "news", 1), ("psubscribe", "n*", 2)]
    assert r.publish("news", "hello") == 2
    assert sorted(subscribed(p, 2)) == [("message", "news", "hello"), ("pmessage", "news", "hello")]
    assert r.pubsub_channels() == ["news"] and r.pubsub_numsub("news") == [("news", 1)] and r.pubsub_numpat() == 1
    p.ping()
    assert subscribed(p, 1)[0][0] == "pong"
    p.unsubscribe()
    p.punsubscribe()
    assert len(subscribed(p, 2)) == 2
    got = []
    handler = r.pubsub(ignore_subscribe_messages=True)
    handler.subscribe(jobs=lambda m: got.append(m["data"]))
    thread = handler.run_in_thread(sleep_time=0.01)
    soon(lambda: r.publish("jobs", "x") == 1)
    for i in range(100):
        r.publish("jobs", i)
    soon(lambda: len(got) >= 101)
    thread.stop()
    thread.join()
    assert got[-100:] == [str(i) for i in range(100)]


@test
def keyspace_notifications():
    if not has_command("subscribe"):
        raise Skip("the server has none")
    r.config_set("notify-keyspace-events", "KEA")
    p = r.pubsub(ignore_subscribe_messages=True)
    p.psubscribe("__key*@0__:*")
    soon(lambda: r.pubsub_numpat() == 1)
    r.set("noted", 1)
    r.delete("noted")
    got = []
    soon(lambda: got.append(p.get_message(timeout=0.1)) or len([m for m in got if m]) >= 4)
    assert [m["data"] for m in got if m] == ["set", "noted", "del", "noted"]
    p.close()
    r.config_set("notify-keyspace-events", "")


@test
def monitoring():
    if not has_command("monitor"):
        raise Skip("the server has none")
    with redis.Redis(port=PORT).monitor() as monitor:
        r.set("monitored", "yes")
        for command in monitor.listen():
            if "monitored" in command["command"]:
                assert command["command"] == "SET monitored yes" and command["db"] == 0
                break


@test
def users():
    assert r.acl_setuser("bob", enabled=True, passwords=["+secret"], keys=["bob:*"], commands=["+get", "+set"])
    bob = redis.Redis(port=PORT, username="bob", password="secret")
    assert bob.set("bob:k", 1) and bob.get("bob:k") == b"1"
    for attempt in (lambda: bob.get("alice:k"), lambda: bob.delete("bob:k")):
        try:
            attempt()
            raise AssertionError("it was allowed")
        except redis.exceptions.NoPermissionError:
            pass
    try:
        redis.Redis(port=PORT, username="bob", password="wrong").ping()
        raise AssertionError("a wrong password")
    except redis.ResponseError as error:
        assert "WRONGPASS" in str(error)
    assert "bob" in r.acl_users() and r.acl_getuser("bob")["enabled"] and r.acl_whoami() == "default"
    assert r.acl_deluser("bob") == 1


@test
def encrypted():
    if not TLS_PORT:
        raise Skip("the server has no TLS")
    own = redis.Redis(port=int(TLS_PORT), ssl=True, ssl_ca_certs=os.environ["CAIRN_TLS_CA"])
    assert own.set("tls", b"x" * 1000000) and own.get("tls") == b"x" * 1000000
    pipe = own.pipeline()
    for _ in range(5000):
        pipe.incr("tls:n")
    assert pipe.execute()[-1] == 5000
    try:
        redis.Redis(port=int(TLS_PORT), ssl=True).ping()
        raise AssertionError("an unknown certificate")
    except redis.ConnectionError:
        pass


@test
def asynchronous():
    async def main():
        own = redis.asyncio.Redis(port=PORT, decode_responses=True)
        await own.delete("async")
        assert sorted(await asyncio.gather(*[own.incr("async") for _ in range(500)])) == list(range(1, 501))
        async with own.pipeline() as pipe:
            assert await pipe.set("a", 1).get("a").execute() == [True, "1"]
        waiting = asyncio.ensure_future(own.blpop("aqueue", timeout=60))
        await own.rpush("aqueue", "job")
        assert await waiting == ("aqueue", "job")
        assert [k async for k in own.scan_iter("scan:42*")]
        await own.close()
        await own.connection_pool.disconnect()
    asyncio.run(main())


@test
def introspection():
    assert r.info()["redis_version"].startswith("7.") and r.info("keyspace")["db0"]["keys"] == r.dbsize()
    assert r.config_get("maxmemory*")["maxmemory"] == "0" and r.config_set("maxmemory", 0)
    assert r.object("encoding", "n") == "int" and r.memory_usage("n") > 0 and r.type("st") == "stream"
    assert r.time()[0] > 1600000000 and r.lastsave().year >= 2020 and isinstance(r.slowlog_get(), list)
    assert r.command_count() > 200 and r.echo("x") == "x" and r.client_id() > 0
    assert r.expireat("n", 33177117420) and r.expiretime("n") == 33177117420 and r.persist("n")
    assert r.rename("n", "n2") and r.copy("n2", "n3") and r.move("n3", 9) and r.randomkey()
    assert r.swapdb(9, 10) and r.flushdb(asynchronous=True) and r.dbsize() == 0


@test
def scripts():
    try:
        r.eval("return 1", 0)
    except redis.ResponseError as error:
        assert "unknown command" in str(error)
        raise Skip("the server has no scripting, and says so; redis.lock needs it")
    with r.lock("lock", timeout=10):
        assert r.get("lock")


for function in tests:
    name = function.__name__.replace("_", " ")
    try:
        function()
        print(f"ok {name}")
    except Skip as reason:
        print(f"skip {name}: {reason}")
    except Exception as error:
        failed = True
        line = traceback.extract_tb(error.__traceback__)[1 if len(traceback.extract_tb(error.__traceback__)) > 1 else 0]
        print(f"not ok {name}: line {line.lineno}: {line.line}: {error!r}"[:400].replace("\n", " "))
    sys.stdout.flush()
os._exit(failed)
