#!/usr/bin/env bash
# redis-cli: its modes, one after the other.
set -uo pipefail
. "$(dirname "$0")/lib.bash"
tmp=$CAIRN_FOLDER

# until_has NAME PATTERN COMMAND...: runs a mode that never ends until a line matches.
until_has() {
    local name=$1 pattern=$2 log=$tmp/mode.log
    shift 2
    : >"$log"
    stdbuf -oL "$@" >"$log" 2>&1 </dev/null &
    local pid=$!
    for _ in $(seq 300); do
        grep -qE -- "$pattern" "$log" && break
        sleep 0.1
    done
    kill $pid 2>/dev/null
    wait $pid 2>/dev/null
    has "$name" "$pattern" cat "$log"
}

# resp COUNT: that many SETs in the protocol, as mass insertion wants it.
resp() { awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) { k = "pipe:" i; printf "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%d\r\n", length(k), k, length(i), i } }'; }

is 'one command' PONG cli PING
is 'URI with a database' OK redis-cli -u "redis://127.0.0.1:$CAIRN_PORT/5" SET where five
is '-n' five cli -n 5 GET where
is '-s, a unix socket' PONG redis-cli -s "$CAIRN_SOCKET" PING
is '-r repeats' $'1\n2\n3' cli -r 3 INCR counter
is '-r with -i' $'4\n5' cli -r 2 -i 0.01 INCR counter
is '-x, a value from stdin' OK bash -c "printf 'line one\nline two' | redis-cli -p $CAIRN_PORT -x SET text"
is 'the value of -x' $'line one\nline two' cli GET text
is '-X, an argument from stdin' OK bash -c "printf tagged | redis-cli -p $CAIRN_PORT -X VALUE SET tag VALUE EX 1000"
is '--no-raw quotes' '"line one\nline two"' cli --no-raw GET text
is 'fills a list' 3 cli RPUSH list a 'b c' d
is '--csv' '"a","b c","d"' cli --csv LRANGE list 0 -1
is '-d, a delimiter' 'a|b c|d' cli -d '|' LRANGE list 0 -1
is '--quoted-input' 2 cli --quoted-input APPEND '"\x00bin"' '"\x01\x02"'
is 'HSET' 2 cli HSET hash f v g w
is '--json' '{"f":"v","g":"w"}' cli --json HGETALL hash
has '-3 speaks RESP3' '1# "f" => "v"' cli -3 --no-raw HGETALL hash
is 'commands on stdin' $'OK\nQUEUED\nQUEUED\nOK\n1' bash -c "printf 'MULTI\nSET t 0\nINCR t\nEXEC\n' | redis-cli -p $CAIRN_PORT"
has 'errors are shown' "^ERR unknown command 'nosuch'" cli nosuch
is '-e fails with an error' 1 bash -c "redis-cli -p $CAIRN_PORT -e nosuch >/dev/null 2>&1; echo \$?"
has '--eval is refused clearly' "^(\(error\) )?ERR unknown command 'EVAL'" bash -c "echo 'return 1' >$tmp/s.lua; redis-cli -p $CAIRN_PORT --eval $tmp/s.lua k , a"

resp 20000 >"$tmp/pipe"
has '--pipe' 'errors: 0, replies: 20000' bash -c "redis-cli -p $CAIRN_PORT --pipe <$tmp/pipe"
is 'what --pipe wrote' 19999 cli GET pipe:19999
has '--pipe counts errors' 'errors: 1, replies: 3' bash -c "printf 'SET p 1\r\nINCR list\r\nINCR p\r\n' | redis-cli -p $CAIRN_PORT --pipe"
has '--pipe of large values' 'errors: 0, replies: 20' bash -c "for i in \$(seq 20); do printf '*3\r\n\$3\r\nSET\r\n\$3\r\nbig\r\n\$1000000\r\n'; head -c 1000000 /dev/zero; printf '\r\n'; done | redis-cli -p $CAIRN_PORT --pipe"

is 'a long list' 1000 bash -c "seq 1000 | xargs redis-cli -p $CAIRN_PORT RPUSH longest"
is 'a set' 3 cli SADD set a b c
is 'a sorted set' 2 cli ZADD zset 1 a 2 b
has 'a stream' '^[0-9]+-0$' cli XADD stream '*' f v
has '--bigkeys: string' 'Biggest string found .*big.* has 1000000 bytes' cli --bigkeys
has '--bigkeys: list' 'Biggest +list found .*longest.* has 1000 items' cli --bigkeys
has '--bigkeys: others' '1 sets with 3 members|1 streams with 1 entries' cli --bigkeys
has '--memkeys' 'Biggest string found .*big.* has 10[0-9]{5} bytes' cli --memkeys
is '--scan' 20000 bash -c "redis-cli -p $CAIRN_PORT --scan --pattern 'pipe:*' | sort -u | wc -l"
has '--hotkeys wants LFU' 'LFU' cli --hotkeys
is 'LFU' OK cli CONFIG SET maxmemory-policy allkeys-lfu
cli -r 200 GET tag >"$tmp/hot"
has '--hotkeys' 'hot key found .*tag' cli --hotkeys
is 'no LFU again' OK cli CONFIG SET maxmemory-policy noeviction

has '--latency' '^[0-9]+ [0-9]+ [0-9.]+ [0-9]+$' bash -c "redis-cli -p $CAIRN_PORT --latency --raw -i 0.2 </dev/null"
until_has '--latency-history' '0 1? ?|[0-9]+ [0-9]+ [0-9.]+ [0-9]+' redis-cli -p "$CAIRN_PORT" --latency-history --raw -i 0.2
until_has '--latency-dist' 'From 0 to 100' redis-cli -p "$CAIRN_PORT" --latency-dist -i 0.2
until_has '--stat' '^[0-9]+ +[0-9.]+[KMG] +[0-9]+ +[0-9]+ +[0-9]+ \(\+[0-9]+\)' redis-cli -p "$CAIRN_PORT" --stat -i 0.1
until_has '--lru-test' 'Hits: [1-9]' redis-cli -p "$CAIRN_PORT" --lru-test 1000
has 'INFO' 'redis_version:7.2' cli INFO server
has 'COMMAND DOCS for its help' 'Set' bash -c "redis-cli -p $CAIRN_PORT COMMAND DOCS set | head -40"
has '--rdb is refused clearly' "unknown command 'SYNC'|not supported" timeout 20 redis-cli -p "$CAIRN_PORT" --rdb "$tmp/x.rdb"

if [[ $(cli COMMAND COUNT) -gt 0 && $(cli COMMAND INFO subscribe) != "" ]]; then
    cli SUBSCRIBE news >"$tmp/news" &
    pid=$!
    for _ in $(seq 300); do [[ $(cli PUBSUB NUMSUB news | tail -1) == 1 ]] && break; sleep 0.1; done
    is PUBLISH 1 cli PUBLISH news hello
    for _ in $(seq 300); do grep -q hello "$tmp/news" && break; sleep 0.1; done
    kill $pid
    wait $pid 2>/dev/null
    is SUBSCRIBE 'subscribe news 1 message news hello' bash -c "tr '\n' ' ' <$tmp/news | sed 's/ $//'"
else
    skip pubsub 'the server has none'
fi
if [[ $(cli COMMAND INFO monitor) != "" ]]; then
    until_has MONITOR '"PING" "watched"' bash -c "redis-cli -p $CAIRN_PORT MONITOR & sleep 0.3; while kill -0 \$! 2>/dev/null; do redis-cli -p $CAIRN_PORT PING watched >/dev/null; sleep 0.2; done"
else
    skip monitor 'the server has none'
fi
is 'ACL SETUSER' OK cli ACL SETUSER alice on '>secret' '~pipe:*' +get
is '--user, --pass' 5 redis-cli -p "$CAIRN_PORT" --user alice --pass secret --no-auth-warning GET pipe:5
has 'what a user may not do' NOPERM redis-cli -p "$CAIRN_PORT" --user alice --pass secret --no-auth-warning SET pipe:5 x
has 'a wrong password' WRONGPASS redis-cli -p "$CAIRN_PORT" --user alice --pass wrong --no-auth-warning GET pipe:5
is 'requirepass' OK cli CONFIG SET requirepass sesame
has 'no password' NOAUTH cli GET tag
is '-a' tagged cli -a sesame --no-auth-warning GET tag
is REDISCLI_AUTH tagged env REDISCLI_AUTH=sesame redis-cli -p "$CAIRN_PORT" GET tag
is 'no password again' OK cli -a sesame --no-auth-warning CONFIG SET requirepass ''
if [[ -n $CAIRN_TLS_PORT ]]; then
    is --tls tagged redis-cli -p "$CAIRN_TLS_PORT" --tls --cacert "$CAIRN_TLS_CA" GET tag
    has '--tls --pipe' 'errors: 0, replies: 20000' bash -c "redis-cli -p $CAIRN_TLS_PORT --tls --cacert $CAIRN_TLS_CA --pipe <$tmp/pipe"
else
    skip tls 'the server has none'
fi
is 'FLUSHALL' OK cli FLUSHALL
