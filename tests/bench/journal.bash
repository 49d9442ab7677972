# journal.bash: rows about durability on a disk: what a journal costs, beside Redis's append-only file. Sourced by run.
#
# Kinds: redis-everysec-disk, redis-always-disk, cairn-everysec-disk, cairn-always-disk; cairn-disk has no journal.

# journal_info KIND FIELD: of INFO persistence.
journal_info() {
    redis-cli -s "$(server_socket "$1")" info persistence | tr -d '\r' | sed -n "s/^$2://p"
}

journal_fill() {
    local kind
    for kind in "$@"; do
        server_start "$kind" $server_core
        load "$kind" --op set --fill --pipeline 64 >/dev/null
    done
}

journal_drop() {
    local kind
    for kind in "$@"; do server_remove "$kind"; done
}

# SET under the two policies: rates, CPU, and with always the latency that redis-benchmark sees.
row_journal() {
    local round kind policy pipeline requests result line varied
    varied=$(printf '__rand_int__%.0s' {1..5})xxxx # 64 bytes: an overwrite with the same ones would cost our journal nothing
    local everysec=(redis-everysec-disk cairn-everysec-disk cairn-disk) always=(redis-always-disk cairn-always-disk)
    journal_fill "${everysec[@]}"
    for pipeline in 1 16; do
        requests=$(scaled $((pipeline == 1 ? 400000 : 2000000)))
        for ((round = 0; round < rounds; round++)); do
            for kind in "${everysec[@]}"; do
                result=$(load "$kind" --op set --pipeline $pipeline --requests "$requests" --seed $((round + 1))) || exit 1
                sample journal "everysec-cpu-p$pipeline" "$kind" "$(field cpu_ns "$result")"
                sample journal "everysec-rate-p$pipeline" "$kind" "$(field per_s "$result")"
            done
        done
    done
    journal_drop "${everysec[@]}"
    journal_fill "${always[@]}"
    for pipeline in 1 16; do
        requests=$(scaled $((pipeline == 1 ? 400000 : 2000000)))
        for ((round = 0; round < rounds; round++)); do
            for kind in "${always[@]}"; do
                line=$(timeout 600 taskset -c $load_core redis-benchmark -p "${server_port[$kind]}" -c 50 -P $pipeline -r 1000000 \
                    -n "$requests" --csv SET key:__rand_int__ "$varied" | awk -F'"' 'NR == 2 { print $4, $14 }')
                [[ -n $line ]] || fail "redis-benchmark failed on $kind"
                sample journal "always-rate-p$pipeline" "$kind" "${line% *}"
                sample journal "always-p99-p$pipeline" "$kind" "${line#* }"
            done
        done
    done
    journal_drop "${always[@]}"
}

# Bytes of the journal per SET of a 64-byte value: keys that are new, and keys that are there.
row_journal_bytes() {
    local kind=cairn-everysec-disk before middle after keys
    keys=$(scaled 1000000)
    server_start $kind $server_core
    before=$(journal_info $kind journal_lsn)
    load $kind --op set --fill --pipeline 64 --keys "$keys" --value-bytes 64 >/dev/null
    middle=$(journal_info $kind journal_lsn)
    load $kind --op set --pipeline 64 --requests "$keys" --keys "$keys" --value-bytes 64 >/dev/null
    after=$(journal_info $kind journal_lsn)
    sample journal-bytes insert $kind $(((middle - before) / keys))
    sample journal-bytes overwrite $kind $(((after - middle) / keys))
    server_remove $kind
}

# kill -9 under full write load, exec to the first correct GET; and cold, with the page cache dropped (root only).
row_journal_restart() {
    local kinds=(redis-everysec-disk cairn-everysec-disk) keys kind round
    keys=$(scaled 5000000)
    for kind in "${kinds[@]}"; do
        server_start "$kind" 0-$(($(nproc) - 1))
        load "$kind" --op set --fill --pipeline 64 --keys "$keys" >/dev/null
        for ((round = 0; round < rounds; round++)); do
            (load "$kind" --op set --pipeline 64 --requests 100000000 --keys "$keys" >/dev/null 2>&1) &
            sleep 5
            server_kill "$kind"
            wait $! 2>/dev/null
            server_restart "$kind" $((keys / 7 * (round + 1))) 64
            sample journal-restart warm "$kind" "$restart_ms"
            server_kill "$kind"
            sync
            if [[ -w /proc/sys/vm/drop_caches ]]; then
                echo 3 >/proc/sys/vm/drop_caches
                server_restart "$kind" $((keys / 7 * (round + 1))) 64
                sample journal-restart cold "$kind" "$restart_ms"
            else
                server_start "$kind" 0-$(($(nproc) - 1))
            fi
        done
        server_remove "$kind"
    done
}

# server_as_after_power_cut: server_restart's command runs where the kernel names another boot, so that nothing but the disk is trusted.
# Fails where that can't be had (it needs a mount namespace).
server_as_after_power_cut() {
    local boot_id=/proc/sys/kernel/random/boot_id
    cat /proc/sys/kernel/random/uuid >"$disk_root/boot_id"
    launcher=(unshare -m bash -c "mount --bind '$disk_root/boot_id' $boot_id && exec \"\$@\"" launcher)
    [[ -w /proc/sys/vm/drop_caches ]] && "${launcher[@]}" true 2>/dev/null
}

# A power cut when the tail of the journal is as long as it gets, page cache dropped: exec to the first correct GET.
row_journal_cut() {
    local kind=cairn-everysec-disk keys tail_bytes round loader
    local launcher=() limit=$((256 * 1024 * 1024))
    keys=$(scaled 5000000)
    for ((round = 0; round < rounds; round++)); do
        server_options=(--journal-max-size $((2 * limit))) # so that no checkpoint begins before the tail is that long
        server_start $kind 0-$(($(nproc) - 1))
        load $kind --op set --fill --pipeline 64 --keys "$keys" >/dev/null
        redis-cli -s "$(server_socket $kind)" save >/dev/null
        (load $kind --op set --pipeline 64 --requests 100000000 --keys "$keys" >/dev/null 2>&1) &
        loader=$!
        until tail_bytes=$(journal_info $kind journal_tail_bytes) && [[ $tail_bytes -ge $limit ]]; do sleep 0.02; done
        server_kill $kind
        wait $loader 2>/dev/null
        server_options=()
        sync
        if ! server_as_after_power_cut; then
            echo "bench: a power cut can't be imitated here" >&2
            server_remove $kind
            return 0
        fi
        echo 3 >/proc/sys/vm/drop_caches
        "${launcher[@]}" true # is no part of what is measured, the server's own program is
        server_restart $kind $((keys / 7 * (round + 1))) 64
        sample journal-cut cold $kind "$restart_ms"
        sample journal-cut tail $kind $((tail_bytes >> 20))
        launcher=()
        server_remove $kind
    done
}

# The longest reply to a client that pings every millisecond under 50 k SET/s, while one rewrite follows the other.
row_journal_probe() {
    local kinds=(redis-everysec-disk cairn-everysec-disk) kind round result rewriter
    for ((round = 0; round < rounds; round++)); do
        for kind in "${kinds[@]}"; do
            journal_fill "$kind"
            (while redis-cli -s "$(server_socket "$kind")" bgrewriteaof >/dev/null 2>&1; do sleep 1; done) &
            rewriter=$!
            result=$(load "$kind" --op set --pipeline 16 --rate 50000 --requests "$(scaled 2000000)" --probe) || exit 1
            kill $rewriter 2>/dev/null
            sample journal-probe longest "$kind" "$(field longest_us "$result")"
            sample journal-probe p999 "$kind" "$(field p999_us "$result")"
            server_remove "$kind"
        done
    done
}

# cgroup_make NAME [LIMIT_BYTES]: prints the folder of a memory cgroup, version 1 or 2; fails where none can be made.
cgroup_make() {
    local root=/sys/fs/cgroup limit=memory.max
    [[ -d $root/memory ]] && root=$root/memory limit=memory.limit_in_bytes
    mkdir "$root/$1" 2>/dev/null || return 1
    [[ -z ${2:-} ]] || echo "$2" >"$root/$1/$limit" || return 1
    echo "$root/$1"
}

# cgroup_bytes FOLDER: all that is charged to it, page cache included.
cgroup_bytes() {
    cat "$1/memory.current" 2>/dev/null || cat "$1/memory.usage_in_bytes"
}

# set_rate KIND KEYS SEED
set_rate() {
    field per_s "$(load "$1" --op set --pipeline 16 --keys "$2" --value-bytes 32 --requests "$(scaled 4000000)" --seed "$3")"
}

# squeeze KIND KEYS GROUP OWN_BYTES: rates of SETs without a limit, then as often with one, to its end: what thrashes gets worse.
squeeze() {
    local kind=$1 keys=$2 group=$3 own=$4 round free=()
    for ((round = 1; round <= rounds; round++)); do free+=("$(set_rate "$kind" "$keys" $round)"); done
    echo $((own * 13 / 10)) | tee "$group/memory.max" "$group/memory.limit_in_bytes" >/dev/null 2>&1
    for ((round = 1; round <= rounds; round++)); do
        sample journal-memory squeezed "$kind" \
            "$(awk "BEGIN { printf \"%.2f\", $(set_rate "$kind" "$keys" $((rounds + round))) / ${free[round - 1]} }")"
    done
}

# Memory per key with a journal: the process's own pages, and all of a cgroup; then the rate of SETs in a squeezed one.
row_journal_memory() {
    local kinds=(redis-everysec-disk cairn-everysec-disk) kind keys group before own charged
    keys=$(scaled 5000000)
    for kind in "${kinds[@]}"; do
        group=$(cgroup_make "cairn-bench-$$") || { echo "bench: no memory cgroup can be made here" >&2 && return 0; }
        server_start "$kind" $server_core
        echo "${server_pid[$kind]}" >"$group/cgroup.procs"
        before=$(awk '/^RssAnon:/ { print $2 * 1024 }' "/proc/${server_pid[$kind]}/status")
        load "$kind" --op set --fill --pipeline 64 --keys "$keys" --value-bytes 32 >/dev/null
        redis-cli -s "$(server_socket "$kind")" save >/dev/null
        own=$(awk '/^RssAnon:/ { print $2 * 1024 }' "/proc/${server_pid[$kind]}/status")
        charged=$(cgroup_bytes "$group")
        sample journal-memory own "$kind" $(((own - before) / keys))
        sample journal-memory all "$kind" $((charged / keys))
        [[ $kind != cairn-* ]] || squeeze "$kind" "$keys" "$group" "$own"
        server_remove "$kind"
        rmdir "$group"
    done
}
