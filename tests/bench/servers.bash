# servers.bash: starting, filling and killing the servers under comparison. Sourced by run and demo.
#
# A server is named by a *kind*: redis (nothing persistent), redis-rdb, redis-aof, cairn-tmpfs, cairn-disk; and with appendonly on a disk
# {redis,cairn}-{everysec,always}-disk. It has a folder, a unix
# socket and a loopback port; server_start fills the maps below. Everything started here ends with the script.

cairn=${CAIRN_BINARY:-build/release/cairn}
redis=${REDIS_SERVER:-$(command -v redis-server || true)}
tools=${BENCH_TOOLS:-build/release/bench}
first_port=${BENCH_PORT:-17300}
declare -A server_pid=() server_port=() server_dir=()
server_options=() # more of them, for the servers that are started next
launcher=()       # what runs the command of server_restart

tmpfs_root=$(mktemp -d /dev/shm/cairn-bench.XXXXXX)
out=${BENCH_OUT:-build/bench} # results, and the data of servers on disk
mkdir -p "$out"
if [[ -z $redis ]]; then # redis-tools brings the server under another name; it looks at the name it is called by
    redis=$(realpath "$out")/redis-server
    ln -sf /usr/bin/redis-check-rdb "$redis"
fi
disk_root=$(mktemp -d "$(realpath "$out")/data.XXXXXX")

servers_cleanup() {
    local kind
    for kind in "${!server_pid[@]}"; do server_kill "$kind"; done
    rm -rf "$tmpfs_root" "$disk_root"
}
trap servers_cleanup EXIT
trap 'exit 130' INT TERM

fail() {
    echo "bench: $*" >&2
    exit 1
}

server_socket() {
    echo "${server_dir[$1]}/socket"
}

# server_folder KIND: gives the kind its folder and port.
server_folder() {
    local kind=$1 root=$tmpfs_root
    [[ $kind == *-disk || $kind == redis-* ]] && root=$disk_root
    server_dir[$kind]=$root/$kind
    server_port[$kind]=${server_port[$kind]:-$((first_port + ${#server_port[@]}))}
    mkdir -p "${server_dir[$kind]}"
}

# server_command KIND: sets the array `command`.
server_command() {
    local kind=$1
    command=("$redis")
    [[ $kind == cairn-* ]] && command=("$cairn" --io-threads "${BENCH_IO_THREADS:-1}")
    command+=(--port "${server_port[$kind]}" --bind 127.0.0.1 --unixsocket "$(server_socket "$kind")"
        --dir "${server_dir[$kind]}" --logfile "${server_dir[$kind]}/log" --daemonize no --save "")
    case $kind in
    *-everysec-disk) command+=(--appendonly yes --appendfsync everysec) ;;
    *-always-disk) command+=(--appendonly yes --appendfsync always) ;;
    redis-aof) command+=(--appendonly yes --appendfsync no --auto-aof-rewrite-percentage 0) ;;
    *) command+=(--appendonly no) ;;
    esac
    command+=("${server_options[@]}")
}

# server_start KIND CORE: on what its folder holds; returns when it answers.
server_start() {
    local kind=$1 core=$2 command i
    server_folder "$kind"
    server_command "$kind"
    taskset -c "$core" "${command[@]}" &>>"${server_dir[$kind]}/output" &
    server_pid[$kind]=$!
    disown $!
    for ((i = 0; i < 1200; i++)); do
        [[ $(redis-cli -s "$(server_socket "$kind")" ping 2>/dev/null) == PONG ]] && return 0
        kill -0 "${server_pid[$kind]}" 2>/dev/null || break
        sleep 0.1
    done
    tail -n 5 "${server_dir[$kind]}/log" "${server_dir[$kind]}/output" >&2
    fail "$kind does not start: ${command[*]}"
}

# server_restart KIND KEY VALUE_BYTES: prints the milliseconds from exec to the first correct answer.
server_restart() {
    local kind=$1 command output
    server_command "$kind"
    output=$("$tools/bench_restart" "$(server_socket "$kind")" "$2" "$3" "${launcher[@]}" "${command[@]}") || fail "$kind does not come back"
    server_pid[$kind]=${output##*pid=}
    output=${output%% *}
    restart_ms=${output#ms=}
}

# server_kill KIND: kill -9, and wait until it is gone.
server_kill() {
    local pid=${server_pid[$1]:-} i
    [[ -n $pid ]] || return 0
    unset "server_pid[$1]"
    kill -9 "$pid" 2>/dev/null
    for ((i = 0; i < 1000; i++)); do
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.01
    done
    fail "process $pid does not end"
}

# server_remove KIND: kills it and forgets its data.
server_remove() {
    server_kill "$1"
    rm -rf "${server_dir[$1]}"
}

# load KIND ARGS...: the load generator on core $load_core; prints name=value pairs.
load() {
    local kind=$1
    shift
    timeout 900 taskset -c "${load_core:-0}" "$tools/bench_load" --server-pid "${server_pid[$kind]}" "$@" \
        "${server_port[$kind]}" || fail "load on $kind failed: $*"
}

# field NAME TEXT: the value of NAME in name=value pairs.
field() {
    local rest=" $2"
    rest=${rest##* "$1"=}
    echo "${rest%% *}"
}

# server_cpu_ns KIND: user and system time of all its threads so far.
server_cpu_ns() {
    cat /proc/"${server_pid[$1]}"/task/*/schedstat | awk '{ sum += $1 } END { printf "%.0f", sum }'
}

# server_resident_bytes KIND: anonymous, file and shared memory, so the mapped heap too.
server_resident_bytes() {
    awk '/^Rss(Anon|File|Shmem):/ { sum += $2 } END { printf "%.0f", sum * 1024 }' "/proc/${server_pid[$1]}/status"
}
