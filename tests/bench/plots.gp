# plots.gp: restart time, throughput, memory per key, allocator pairs; `folder` holds medians.tsv and gets the plots.
set datafile separator "\t"
set terminal svg size 720,420 background rgb "white"
set grid ytics
set key outside below
medians = folder . "/medians.tsv"
of(row, server) = sprintf("< awk -F'\\t' -v OFS='\\t' '$1 == \"%s\" && $3 == \"%s\" && $2 !~ /flat/ { print $2, $4 }' %s | sort -g", row, server, medians)
measured(row) = int(system(sprintf("awk -F'\\t' '$1 == \"%s\"' %s | wc -l", row, medians))) > 0

if (measured("restart")) {
    set output folder . "/restart.svg"
    set title "kill -9 to the first correct GET"
    set xlabel "keys"; set ylabel "ms"
    set logscale xy
    set yrange [1:*]
    plot for [s in "redis-rdb redis-aof cairn-tmpfs cairn-disk"] of("restart", s) using 1:2 with linespoints lw 2 title s
    unset logscale
    set xlabel
}
set style data histograms
set style fill solid 0.8
set yrange [0:*]
if (measured("rate")) {
    set output folder . "/throughput.svg"
    set title "requests per second, one worker, 50 connections, pipeline 64"
    set ylabel "million per second"
    plot for [s in "redis cairn-tmpfs cairn-disk"] \
        sprintf("< awk -F'\\t' -v OFS='\\t' '$1 == \"rate\" && $2 ~ /-p64$/ && $3 == \"%s\" { sub(/-p64/, \"\", $2); print $2, $4 }' %s", s, medians) \
        using ($2 / 1e6):xtic(1) title s
    set output folder . "/cpu.svg"
    set title "CPU of the server per request, pipeline 64"
    set ylabel "ns"
    plot for [s in "redis cairn-tmpfs cairn-disk"] \
        sprintf("< awk -F'\\t' -v OFS='\\t' '$1 == \"cpu\" && $2 ~ /-p64$/ && $3 == \"%s\" { sub(/-p64/, \"\", $2); print $2, $4 }' %s", s, medians) \
        using 2:xtic(1) title s
}
set key off
if (measured("memory")) {
    set output folder . "/memory.svg"
    set title "resident memory per key, 16-byte key, 32-byte value"
    set ylabel "bytes"
    plot sprintf("< awk -F'\\t' -v OFS='\\t' '$1 == \"memory\" && $2 == \"resident\" { print $3, $4 }' %s", medians) using 2:xtic(1)
}
if (measured("heap")) {
    set output folder . "/heap.svg"
    set title "allocation and free pairs, one thread"
    set ylabel "million per second"
    plot sprintf("< awk -F'\\t' -v OFS='\\t' '$1 == \"heap\" && $2 == \"1-thread\" { print $3, $4 }' %s", medians) using ($2 / 1e6):xtic(1)
}
