# Turns the log of one unit into lines "status TAB name", a line per test; a name that occurs more than once passes when all its
# occurrences pass. Statuses: ok, err, skip (left out by us), ignore (left out by the suite), broken (an error between two tests: the
# rest of its block was not run).
function add(status, name)
{
    if (!(name in found)) {
        order[++count] = name
    }
    if (rank[status] > found[name]) {
        found[name] = rank[status]
        final[name] = status
    }
}
BEGIN {
    rank["skip"] = 1; rank["ignore"] = 2; rank["ok"] = 3; rank["broken"] = 4; rank["err"] = 5
}
/^\[ok\]: / {
    sub(/^\[ok\]: /, ""); sub(/ \([0-9]+ ms\)$/, "")
    add("ok", $0)
}
/^\[err\]: / {
    sub(/^\[err\]: /, "")
    status = sub(/ in tests\/[^ ]*\.tcl$/, "") ? "err" : "broken"
    add(status, $0)
}
/^\[exception\]: / { add("broken", $0) }
/^\[skip\]: / { sub(/^\[skip\]: /, ""); add("skip", $0) }
/^\[ignore\]: / { sub(/^\[ignore\]: /, ""); add("ignore", $0) }
END {
    for (i = 1; i <= count; i++) {
        print final[order[i]] "\t" order[i]
    }
}
