/* debug_data.c: DEBUG's tools that look at the data: DIGEST, POPULATE, RELOAD.
 *
 * Terms: a *digest* is the exclusive or of a SHA-1 per key, so the order in which keys are visited does not
 * matter.
 */
#include "command/host.h"
#include "command/server/server_commands.h"
#include "command/server_state.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DIGEST_BYTES    20
#define SCAN_COUNT      1024
#define KEYS_PER_COMMIT 64
#define VALUE_BYTES_MAX (512 << 20)

/* ---- digests ---- */

struct digest {
    EVP_MD_CTX *context;
    const struct heap *heap;
    unsigned db;
    bool with_key; /* and database and expiry */
    unsigned char sum[DIGEST_BYTES];
};

/* Lengths go first, so that no two sequences of parts look the same. */
static void digest_part(struct digest *digest, const void *bytes, size_t len)
{
    uint64_t prefix = len;
    EVP_DigestUpdate(digest->context, &prefix, sizeof prefix);
    EVP_DigestUpdate(digest->context, bytes, len);
}

/* The elements of a collection, whatever keeps them. */
struct elements {
    struct digest *digest;
    bool is_sequence;
    unsigned char sum[DIGEST_BYTES]; /* exclusive or of the elements' digests; of a sequence the digest of sum and element */
};

static bool digest_element(void *ctx, const struct slice *parts, size_t count)
{
    struct elements *elements = ctx;
    struct digest *digest = elements->digest;
    unsigned char one[EVP_MAX_MD_SIZE];
    EVP_DigestInit_ex(digest->context, EVP_sha1(), NULL);
    if (elements->is_sequence) digest_part(digest, elements->sum, DIGEST_BYTES);
    for (size_t i = 0; i < count; i++)
        digest_part(digest, parts[i].ptr, parts[i].len);
    EVP_DigestFinal_ex(digest->context, one, NULL);
    for (size_t i = 0; i < DIGEST_BYTES; i++)
        elements->sum[i] = elements->is_sequence ? one[i] : elements->sum[i] ^ one[i];
    return true;
}

static bool digest_entry(void *arg, struct entry *entry)
{
    struct digest *digest = arg;
    unsigned char one[EVP_MAX_MD_SIZE];
    char text[ENTRY_INT_TEXT_MAX];
    uint32_t type = entry_type(entry);
    struct elements elements = {.digest = digest};
    if (type != ENTRY_STRING) {
        elements.is_sequence = entry_collection(entry)->is_sequence;
        entry_visit(digest->heap, entry, digest_element, &elements);
    }
    EVP_DigestInit_ex(digest->context, EVP_sha1(), NULL);
    if (digest->with_key) {
        struct slice key = entry_key(entry);
        int64_t expire_ms = entry_expire_ms(entry);
        digest_part(digest, &digest->db, sizeof digest->db);
        digest_part(digest, key.ptr, key.len);
        digest_part(digest, &expire_ms, sizeof expire_ms);
    }
    digest_part(digest, &type, sizeof type);
    if (type == ENTRY_STRING) {
        struct slice value = entry_string(digest->heap, entry, text);
        digest_part(digest, value.ptr, value.len);
    } else {
        digest_part(digest, elements.sum, DIGEST_BYTES);
    }
    EVP_DigestFinal_ex(digest->context, one, NULL);
    for (size_t i = 0; i < DIGEST_BYTES; i++)
        digest->sum[i] ^= one[i];
    return true;
}

static void reply_hex(struct resp_out *out, const unsigned char sum[DIGEST_BYTES])
{
    char hex[DIGEST_BYTES * 2 + 1];
    for (size_t i = 0; i < DIGEST_BYTES; i++)
        snprintf(hex + i * 2, 3, "%02x", sum[i]);
    resp_simple(out, hex);
}

static bool digest_open(struct call *call, bool with_key, struct digest *digest)
{
    *digest = (struct digest){
        .context = EVP_MD_CTX_new(), .heap = keyspace_heap(call->keyspace), .with_key = with_key};
    if (digest->context) return true;
    call_fail(call, ERROR_MEMORY);
    return false;
}

void server_debug_digest(struct call *call)
{
    struct digest digest;
    if (!digest_open(call, true, &digest)) return;
    for (digest.db = 0; digest.db < keyspace_databases(call->keyspace); digest.db++) {
        uint64_t cursor = 0;
        do {
            cursor =
                keyspace_scan(call->keyspace, digest.db, cursor, SCAN_COUNT, true, digest_entry, &digest);
        } while (cursor != 0);
    }
    EVP_MD_CTX_free(digest.context);
    reply_hex(call->out, digest.sum);
}

static struct entry *find_live(struct call *call, struct slice name)
{
    struct key key = keyspace_key(call->keyspace, name);
    struct entry *entry = keyspace_find(call->keyspace, call->db, &key);
    return entry && !entry_is_expired(entry, call->now_ms) ? entry : NULL;
}

void server_debug_digest_value(struct call *call)
{
    struct digest digest;
    if (!digest_open(call, false, &digest)) return;
    resp_array(call->out, call->argc - 2);
    for (size_t i = 2; i < call->argc; i++) {
        struct entry *entry = find_live(call, call->argv[i]);
        memset(digest.sum, 0, sizeof digest.sum);
        if (entry) digest_entry(&digest, entry);
        reply_hex(call->out, digest.sum);
    }
    EVP_MD_CTX_free(digest.context);
}

/* ---- POPULATE ---- */

/* Ends the command's transaction and begins another: millions of keys don't fit one. */
static void commit_so_far(struct call *call)
{
    tx_commit(call->tx);
    tx_begin(call->tx);
}

static enum error populate_key(struct call *call, struct slice prefix, int64_t number, char *value,
                               size_t size)
{
    char name[256], text[32];
    int name_len = snprintf(name, sizeof name, "%.*s:%lld", (int)prefix.len, prefix.ptr, (long long)number);
    struct key key = keyspace_key(call->keyspace, (struct slice){name, (size_t)name_len});
    if (keyspace_find(call->keyspace, call->db, &key)) return ERROR_OK;
    size_t text_len = (size_t)snprintf(text, sizeof text, "value:%lld", (long long)number);
    size_t len = size ? size : text_len;
    memcpy(value, text, len < text_len ? len : text_len);
    call->changes++;
    return keyspace_put_string(call->tx, call->keyspace, call->db, &key, (struct slice){value, len},
                               EXPIRY_NONE);
}

void server_debug_populate(struct call *call)
{
    int64_t count, size = 0;
    struct slice prefix = call->argc > 3 ? call->argv[3] : SLICE("key");
    if (!call_int_range(call, 2, 0, INT64_MAX, "ERR value is out of range, must be positive", &count)) return;
    if (call->argc > 4 && !call_int_range(call, 4, 0, VALUE_BYTES_MAX, NULL, &size)) return;
    if (prefix.len > 200) {
        resp_error(call->out, "ERR prefix is too long");
        return;
    }
    char *value = calloc(1, (size_t)size + 32);
    enum error error = value ? ERROR_OK : ERROR_MEMORY;
    for (int64_t i = 0; !error && i < count; i++) {
        error = populate_key(call, prefix, i, value, (size_t)size);
        if (i % KEYS_PER_COMMIT == KEYS_PER_COMMIT - 1 && !error) commit_so_far(call);
    }
    free(value);
    if (error) call_fail(call, error);
    else resp_ok(call->out);
}

/* ---- RELOAD ---- */

static void wait_a_moment(void)
{
    nanosleep(&(struct timespec){0, 1000000}, NULL);
}

/* Not inside the gate: whoever saves may need to be alone for a moment. */
void server_debug_reload(struct call *call)
{
    struct gate *gate = &call->worker->server->gate;
    const struct host *host = call->worker->host;
    char detail[256];
    enum error error;
    while ((error = host->save(host->app, false)) == ERROR_IN_USE) /* by a save in the background */
        wait_a_moment();
    if (error) {
        call_fail(call, error);
        return;
    }
    gate_enter_exclusive(gate);
    bool valid = keyspace_is_valid(call->keyspace, detail, sizeof detail);
    gate_leave_exclusive(gate);
    if (valid) resp_ok(call->out);
    else resp_errorf(call->out, "ERR the data is damaged: %s", detail);
}
