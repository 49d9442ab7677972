# sessions.bash: rows about connections: encrypted ones, and many that do nothing. Sourced by run.

# tls_certificates FOLDER: an authority and a server certificate for one day.
tls_certificates() {
    local folder=$1
    mkdir -p "$folder"
    openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=bench-authority -keyout "$folder/ca.key" -out "$folder/ca.crt" &&
        openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$folder/server.key" -out "$folder/server.csr" &&
        openssl x509 -req -days 1 -in "$folder/server.csr" -CA "$folder/ca.crt" -CAkey "$folder/ca.key" -CAcreateserial \
            -out "$folder/server.crt"
}

# CPU of the server per request over TLS, as redis-benchmark sends them.
row_tls() {
    local folder=$tmpfs_root/certificates op round kind requests before after
    tls_certificates "$folder" &>"$folder.log" || fail "no certificates: $(tail -n 1 "$folder.log")"
    requests=$(scaled 2000000)
    fill_servers
    for kind in "${servers[@]}"; do
        redis-cli -s "$(server_socket "$kind")" config set tls-cert-file "$folder/server.crt" tls-key-file "$folder/server.key" \
            tls-ca-cert-file "$folder/ca.crt" tls-auth-clients no tls-port $((server_port[$kind] + 50)) >/dev/null
    done
    for op in get set; do
        for ((round = 0; round < rounds; round++)); do
            for kind in "${servers[@]}"; do
                before=$(server_cpu_ns "$kind")
                timeout 600 taskset -c $load_core redis-benchmark -p $((server_port[$kind] + 50)) --tls --cacert "$folder/ca.crt" \
                    -c 50 -P 16 -r 1000000 -d 64 -n "$requests" -t "$op" --csv >"$folder.log" || fail "redis-benchmark over TLS failed on $kind"
                after=$(server_cpu_ns "$kind")
                sample tls-cpu "$op-p16" "$kind" $(((after - before) / requests))
                sample tls-rate "$op-p16" "$kind" "$(awk -F'"' 'NR == 2 { print $4 }' "$folder.log")"
            done
        done
    done
    remove_servers
}

# open_idle PORT COUNT: opens connections that ask once and stay; their descriptors are in `idle`.
open_idle() {
    local fd i reply
    for ((i = 0; i < $2; i++)); do
        exec {fd}<>"/dev/tcp/127.0.0.1/$1" || fail "no connection"
        printf 'PING\r\n' >&"$fd"
        read -r reply <&"$fd"
        [[ $reply == +PONG* ]] || fail "no answer: $reply"
        idle+=("$fd")
    done
}

close_idle() {
    local fd
    for fd in "${idle[@]}"; do exec {fd}>&-; done
    idle=()
}

# Growth of resident memory per connection that has asked something and is silent now.
row_idle() {
    local round kind before after idle=()
    ulimit -n "$(ulimit -Hn)"
    for ((round = 0; round < rounds; round++)); do
        for kind in "${servers[@]}"; do
            server_start "$kind" $server_core
            open_idle "${server_port[$kind]}" 10
            before=$(server_resident_bytes "$kind")
            open_idle "${server_port[$kind]}" 1000
            sleep 5 # redis shrinks buffers of silent clients after two seconds
            after=$(server_resident_bytes "$kind")
            close_idle
            sample idle per-connection "$kind" $(((after - before) / 1000))
            server_remove "$kind"
        done
    done
}
