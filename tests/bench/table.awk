# table.awk MEDIANS EXPECTATIONS: one line per expectation and subject that was measured.
BEGIN {
    FS = OFS = "\t"
    print "what", "where", "unit", "peer", "cairn", "ratio", "must", "aim", "verdict"
}
FILENAME == ARGV[1] { median[$1, $2, $3] = $4; next }
/^#/ { next }

# holds("ratio<=0.5", ratio, value)
function holds(rule, ratio, value,    measured, limit) {
    measured = rule ~ /^ratio/ ? ratio : value
    limit = rule
    sub(/^[a-z]+[<>]=/, "", limit)
    return rule ~ />=/ ? measured >= limit + 0 : measured <= limit + 0
}
function verdict(must, aim, ratio, value) {
    if (must == "-" && aim == "-") return "-"
    if (must != "-" && !holds(must, ratio, value)) return "MISSED"
    if (aim != "-" && holds(aim, ratio, value)) return "aim met"
    return must == "-" ? "below aim" : "met"
}
function shown(number) { return sprintf(number >= 100 ? "%.0f" : "%.2f", number) }
function rule_text(rule) { sub(/^ratio/, "", rule); sub(/^value/, "abs ", rule); return rule }
{
    count = split($6, subjects, ",")
    for (i = 1; i <= count; i++) {
        if (!(($1, $2, subjects[i]) in median) || ($5 != "-" && !(($1, $2, $5) in median))) continue
        value = median[$1, $2, subjects[i]]
        peer = $5 == "-" ? 0 : median[$1, $2, $5]
        ratio = peer > 0 ? value / peer : 0
        beside = peer > 0 ? shown(peer) " " $5 : "-"
        times = peer > 0 ? sprintf("%.3f", ratio) : "-"
        print $3, subjects[i], $4, beside, shown(value), times, rule_text($7), rule_text($8), verdict($7, $8, ratio, value)
    }
}
