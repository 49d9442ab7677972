# types.bash: rows about collections. Sourced by run.
#
# Load is redis-benchmark's, which puts 12 random digits below 1 M in the place of __rand_int__. What it works on is filled first, through
# redis-cli --pipe: every collection has a million elements of 16 bytes.

type_cases=(lpush rpop lrange sadd hset hset-keys zadd zrangebyscore zrank xadd xrange xreadgroup xack)
declare -A type_command=(
    [lpush]="LPUSH list item__rand_int__"
    [rpop]="RPOP list"
    [lrange]="LRANGE list 0 99"
    [sadd]="SADD set item__rand_int__"
    [hset]="HSET hash item__rand_int__ value-of-16-byte"
    [hset-keys]="HSET h:__rand_int__ name value-of-16-byte"
    [zadd]="ZADD zset __rand_int__ item__rand_int__"
    [zrangebyscore]="ZRANGEBYSCORE zset __rand_int__ +inf LIMIT 0 10"
    [zrank]="ZRANK zset item__rand_int__"
    [xadd]="XADD events * field-01 value-of-16-byte field-02 value-of-16-byte"
    [xrange]="XRANGE stream __rand_int__ + COUNT 10"
    [xreadgroup]="XREADGROUP GROUP group consumer COUNT 1 STREAMS stream >"
    [xack]="XACK stream group __rand_int__"
)

# type_fill KIND NAME COUNT: the collection NAME with COUNT elements.
type_fill() {
    local line
    case $2 in
    list) line='RPUSH list item%012d\r\n' ;;
    set) line='SADD set item%012d\r\n' ;;
    hash) line='HSET hash item%012d value-of-16-byte\r\n' ;;
    hashes) line='HSET h:%012d name ada age 36 city london plan free visits 1024\r\n' ;;
    zset) line='ZADD zset %d item%012d\r\n' ;;
    stream) line='XADD stream %d-0 field-01 value-of-16-byte field-02 value-of-16-byte\r\n' ;;
    esac
    # Numbers are scattered over the range, but those of a stream, which must ascend.
    awk -v n="$3" -v line="$line" -v ascending="$([[ $2 == stream ]] && echo 1)" \
        'BEGIN { for (i = 1; i <= n; i++) { at = ascending ? i : i * 7919 % 1000003; printf line, at, at } }' |
        redis-cli -s "$(server_socket "$1")" --pipe | grep -q 'errors: 0' || fail "cannot fill $2 of $1"
}

# CPU of the server per request at pipeline 64.
row_types() {
    local case kind round requests before after name words
    requests=$(scaled 500000)
    for kind in "${servers[@]}"; do
        server_start "$kind" $server_core
        for name in list set hash hashes zset stream; do type_fill "$kind" $name 1000000; done
        redis-cli -s "$(server_socket "$kind")" xgroup create stream group 0 >/dev/null
    done
    for case in "${type_cases[@]}"; do
        read -ra words <<<"${type_command[$case]}"
        for ((round = 0; round < rounds; round++)); do
            for kind in "${servers[@]}"; do
                before=$(server_cpu_ns "$kind")
                timeout 600 taskset -c $load_core redis-benchmark -p "${server_port[$kind]}" -c 50 -P 64 -r 1000000 -n "$requests" -q \
                    "${words[@]}" >/dev/null || fail "redis-benchmark failed on $kind: $case"
                after=$(server_cpu_ns "$kind")
                sample types "$case" "$kind" $(((after - before) / requests))
            done
        done
    done
    remove_servers
}

# Growth of resident memory per element, the reply to DEL of a large collection, and a restart with everything in the heap.
row_collections() {
    local kind name round before after count
    count=1000000 # elements are named by residues of a prime just above
    for ((round = 0; round < rounds; round++)); do
        for kind in "${servers[@]}"; do
            server_start "$kind" $server_core
            for name in hashes zset set list stream; do
                before=$(server_resident_bytes "$kind")
                type_fill "$kind" $name $count
                after=$(server_resident_bytes "$kind")
                sample collections "$name" "$kind" "$(awk "BEGIN { printf \"%.1f\", ($after - $before) / $count }")"
            done
            if [[ $kind == cairn-* ]]; then
                load "$kind" --op set --fill --pipeline 64 --keys 1000 --value-bytes 32 >/dev/null
                server_kill "$kind"
                server_restart "$kind" 7 32
                sample collections restart "$kind" "$restart_ms"
            fi
            redis-cli -s "$(server_socket "$kind")" config resetstat >/dev/null
            redis-cli -s "$(server_socket "$kind")" del zset >/dev/null
            sample collections del "$kind" "$(redis-cli -s "$(server_socket "$kind")" info commandstats | sed -n 's/^cmdstat_del:calls=1,usec=\([0-9]*\),.*/\1/p')"
            server_remove "$kind"
        done
    done
}
