# What the programs in bash share: a line `ok NAME`, `not ok NAME: why` or `skip NAME: why` for each thing that is tried.

cli() { redis-cli -p "$CAIRN_PORT" "$@"; }

# not_ok NAME WHY: on one line.
not_ok() { echo "not ok $1: ${2//$'\n'/ }"; }

# is NAME EXPECTED COMMAND...: the command prints exactly that.
is() {
    local name=$1 expected=$2 got
    shift 2
    got=$("$@" 2>&1)
    if [[ $got == "$expected" ]]; then echo "ok $name"; else not_ok "$name" "expected $expected, got ${got:0:400}"; fi
}

# has NAME PATTERN COMMAND...: what the command prints matches the extended regular expression somewhere.
has() {
    local name=$1 pattern=$2 got
    shift 2
    got=$("$@" 2>&1)
    if grep -qE -- "$pattern" <<<"$got"; then echo "ok $name"; else not_ok "$name" "no /$pattern/ in ${got:0:600}"; fi
}

skip() { echo "skip $1: $2"; }
