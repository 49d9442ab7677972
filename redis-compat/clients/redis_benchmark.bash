#!/usr/bin/env bash
# redis-benchmark: each of its tests, and its ways to send.
set -uo pipefail
. "$(dirname "$0")/lib.bash"
n=2000

# bench NAME TESTS OPTIONS...: as many tests report a rate, and nothing complains.
bench() {
    local name=$1 tests=$2 got
    shift 2
    got=$(timeout 300 redis-benchmark -p "$CAIRN_PORT" -n $n -q "$@" 2>&1 | tr '\r' '\n' | grep -v 'Keepalive disabled')
    if [[ $(grep -cE 'requests per second' <<<"$got") -eq $tests ]] && ! grep -qiE 'err|wrong|warn' <<<"$got"; then
        echo "ok $name"
    else
        not_ok "$name" "$(grep -v 'rps=' <<<"$got" | head -c 600)"
    fi
}

bench 'all tests' 20
is 'what they leave' string cli TYPE key:__rand_int__
for test in ping_inline ping_mbulk set get incr lpush rpush lpop rpop sadd hset spop zadd zpopmin lrange_100 lrange_300 lrange_500 lrange_600 mset; do
    count=1
    [[ $test == lrange_* ]] && count=2 # LPUSH fills the list first
    bench "-t $test" $count -t $test
done
cli FLUSHALL >/dev/null
bench '-P, pipelines' 2 -t set,get -P 16 -r 1000
bench '-P 500' 1 -t incr -P 500 -n 20000
bench '-c, many connections' 2 -t set,get -c 200
bench '--threads' 3 -t set,get,lpush --threads 4 -c 20 -P 4
bench '-d, large values' 2 -t set,get -d 100000 -n 500
bench '-k 0, a connection per request' 1 -t ping_mbulk -k 0 -n 500
bench '-r, a keyspace' 1 -t set -r 100000
bench '--dbnum' 1 -t set --dbnum 7
bench '-3' 2 -t set,get -3
bench 'a command of its own' 1 -r 100 HSET hash:__rand_int__ field value
has 'which did it' '^hash:0000000000[0-9]{2}$' cli --scan --pattern 'hash:*'
has '--csv' '^"SET","[0-9.]+"' redis-benchmark -p "$CAIRN_PORT" -n $n -t set --csv
has 'the report' 'latency summary|throughput summary' redis-benchmark -p "$CAIRN_PORT" -n $n -t set
bench '-s, a unix socket' 2 -s "$CAIRN_SOCKET" -t set,get
cli CONFIG SET requirepass sesame >/dev/null
bench '-a' 2 -a sesame -t set,get
cli -a sesame --no-auth-warning CONFIG SET requirepass '' >/dev/null
if [[ -n $CAIRN_TLS_PORT ]]; then
    has '--tls' 'SET: [0-9.]+ requests per second' redis-benchmark -p "$CAIRN_TLS_PORT" --tls --cacert "$CAIRN_TLS_CA" -n $n -q -t set -P 16
else
    skip tls 'the server has none'
fi
