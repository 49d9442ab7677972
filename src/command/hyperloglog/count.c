/* count.c: PFADD, PFCOUNT, PFMERGE. */
#include "command/arguments.h"
#include "command/hyperloglog/hyperloglog_commands.h"
#include "command/hyperloglog/hyperloglog_keys.h"
#include "command/server_state.h"

/* hll-sparse-max-bytes, as far as it makes a difference. */
static size_t sparse_most(const struct call *call)
{
    const struct settings *settings = call->worker->server->settings;
    uint64_t most = atomic_load_explicit(&settings->packed.hll_sparse_max_bytes, memory_order_relaxed);
    return most < HYPERLOGLOG_SPARSE_BYTES_MAX ? (size_t)most : HYPERLOGLOG_SPARSE_BYTES_MAX;
}

/* Writes `len` bytes at `at` of the string at key 0; *bytes becomes the string as it stands then. */
static enum error overwrite(struct call *call, struct slice *bytes, size_t at, const char *contents,
                            size_t len)
{
    char *value;
    enum error error =
        keyspace_edit_string(call->tx, call->keyspace, call->db, &call->keys[0], at, len, 0, &value);
    if (error) return error;
    tx_write(call->tx, value + at, contents, len);
    bytes->ptr = value;
    return ERROR_OK;
}

static enum error note_cardinality(struct call *call, struct slice *bytes, uint64_t value, bool valid)
{
    char contents[HYPERLOGLOG_CARDINALITY_BYTES];

    hyperloglog_set_cached(contents, value, valid);
    return overwrite(call, bytes, HYPERLOGLOG_CARDINALITY_AT, contents, sizeof contents);
}

/* ---- PFADD ---- */

static void pfadd(struct call *call);
const struct command hyperloglog_pfadd = {
    .name = "pfadd",
    .handler = pfadd,
    .arity = -2,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
    .categories = CATEGORY_HYPERLOGLOG,
    .group = GROUP_HYPERLOGLOG,
    .since = "2.8.9",
    .summary =
        "Counts elements in a HyperLogLog, or creates it; answers whether its estimate may have changed.",
    .complexity = "O(1) for each element.",
    .specs = {KEY_AT(1, KEY_RW | KEY_INSERT)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0),
                           {.name = "element", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE}),
};

/* Adds the elements to the dense string in its place. */
static enum error add_dense(struct call *call, struct slice bytes, bool *changed)
{
    enum error error = ERROR_OK;
    uint64_t cardinality;

    for (size_t arg = 2; arg < call->argc && !error; arg++) {
        char contents[HYPERLOGLOG_REGISTER_BYTES];
        size_t len;
        struct hyperloglog_place place = hyperloglog_place(call->argv[arg]);
        if (hyperloglog_dense_get(bytes.ptr, place.index) >= place.value) continue;
        size_t at = hyperloglog_dense_put(bytes, place, contents, &len);
        error = overwrite(call, &bytes, at, contents, len);
        *changed = true;
    }
    if (!error && *changed && hyperloglog_cached(bytes, &cardinality))
        error = note_cardinality(call, &bytes, cardinality, false);
    return error;
}

/* Adds the elements from `arg` on to a sparse string that they don't fit into. */
static enum error add_spilling(struct call *call, struct slice sparse, size_t arg, bool *damaged)
{
    uint8_t registers[HYPERLOGLOG_REGISTERS] = {0};

    *damaged = !hyperloglog_merge(sparse, registers);
    if (*damaged) return ERROR_OK;
    for (; arg < call->argc; arg++) {
        struct hyperloglog_place place = hyperloglog_place(call->argv[arg]);
        if (registers[place.index] < place.value) registers[place.index] = place.value;
    }
    return hyperloglog_keys_put_dense(call, 0, registers, SLICE(""));
}

/* Adds the elements to a sparse string, or with no bytes to a new one. */
static enum error add_sparse(struct call *call, struct slice bytes, bool *changed, bool *damaged)
{
    char sparse[HYPERLOGLOG_SPARSE_BYTES_MAX];
    size_t len = bytes.len, most = sparse_most(call);

    *damaged = len > sizeof sparse;
    if (*damaged) return ERROR_OK;
    if (len > 0) memcpy(sparse, bytes.ptr, len);
    else len = hyperloglog_init(sparse);
    for (size_t arg = 2; arg < call->argc; arg++) {
        switch (hyperloglog_sparse_raise(sparse, &len, most, hyperloglog_place(call->argv[arg]))) {
        case HYPERLOGLOG_KEPT: break;
        case HYPERLOGLOG_RAISED: *changed = true; break;
        case HYPERLOGLOG_FULL:
            *changed = true;
            return add_spilling(call, (struct slice){sparse, len}, arg, damaged);
        case HYPERLOGLOG_DAMAGED: *damaged = true; return ERROR_OK;
        }
    }
    if (!*changed) return ERROR_OK;
    uint64_t cardinality;
    hyperloglog_cached((struct slice){sparse, len}, &cardinality);
    hyperloglog_set_cached(sparse + HYPERLOGLOG_CARDINALITY_AT, cardinality, false);
    return hyperloglog_keys_put(call, 0, (struct slice){sparse, len});
}

static void pfadd(struct call *call)
{
    char text[ENTRY_INT_TEXT_MAX];
    struct slice bytes;
    enum hyperloglog_form form;
    const struct entry *entry = call_edit(call, 0);
    bool changed = entry == NULL, damaged = false;

    if (!hyperloglog_keys_open(call, entry, text, &bytes, &form)) return;
    enum error error = form == HYPERLOGLOG_DENSE ? add_dense(call, bytes, &changed)
                                                 : add_sparse(call, bytes, &changed, &damaged);
    if (error) {
        call_fail(call, error);
    } else if (damaged) {
        hyperloglog_keys_damaged(call);
    } else {
        if (changed) call_notify(call, "pfadd", &call->keys[0]);
        resp_int(call->out, changed);
    }
}

/* ---- PFCOUNT ---- */

static void pfcount(struct call *call);
const struct command hyperloglog_pfcount = {
    .name = "pfcount",
    .handler = pfcount,
    .arity = -2,
    .flags = COMMAND_READONLY | COMMAND_MAY_REPLICATE,
    .categories = CATEGORY_HYPERLOGLOG,
    .group = GROUP_HYPERLOGLOG,
    .since = "2.8.9",
    .summary = "Estimates how many different elements were counted in a HyperLogLog, or in several together.",
    .complexity = "O(1) with one key, whose estimate is remembered until it changes; else O(N).",
    .specs = {{KEY_BEGIN_INDEX, 1, NULL, KEY_FIND_RANGE, -1, 1, 0, KEY_RW | KEY_ACCESS,
               "RW because it may change the internal representation of the key, and propagate to replicas"}},
    .arguments = ARGUMENTS(ARGUMENT_KEYS("key", 0)),
};

/* What a key holds, for merging. */
struct source {
    enum hyperloglog_form form;
    size_t bytes;
};

/* Raises the registers to those of key `index`; false after having replied an error. */
static bool merge_key(struct call *call, size_t index, uint8_t registers[HYPERLOGLOG_REGISTERS],
                      struct source *source_out)
{
    char text[ENTRY_INT_TEXT_MAX];
    struct slice bytes;

    if (!hyperloglog_keys_open(call, call_read(call, index), text, &bytes, &source_out->form)) return false;
    source_out->bytes = bytes.len;
    if (source_out->form == HYPERLOGLOG_NONE || hyperloglog_merge(bytes, registers)) return true;
    hyperloglog_keys_damaged(call);
    return false;
}

static void count_several(struct call *call)
{
    uint8_t registers[HYPERLOGLOG_REGISTERS] = {0};
    struct source source;

    for (size_t i = 0; i < call->key_count; i++)
        if (!merge_key(call, i, registers, &source)) return;
    resp_int(call->out, (int64_t)hyperloglog_estimate(registers));
}

static void count_one(struct call *call)
{
    char text[ENTRY_INT_TEXT_MAX];
    struct slice bytes;
    enum hyperloglog_form form;
    uint64_t cardinality = 0;

    if (!hyperloglog_keys_open(call, call_read(call, 0), text, &bytes, &form)) return;
    if (form != HYPERLOGLOG_NONE && !hyperloglog_cached(bytes, &cardinality)) {
        uint8_t registers[HYPERLOGLOG_REGISTERS] = {0};
        if (!hyperloglog_merge(bytes, registers)) {
            hyperloglog_keys_damaged(call);
            return;
        }
        cardinality = hyperloglog_estimate(registers);
        enum error error = note_cardinality(call, &bytes, cardinality, true);
        if (error) {
            call_fail(call, error);
            return;
        }
    }
    resp_int(call->out, (int64_t)cardinality);
}

static void pfcount(struct call *call)
{
    if (call->key_count > 1) count_several(call);
    else count_one(call);
}

/* ---- PFMERGE ---- */

static void pfmerge(struct call *call);
const struct command hyperloglog_pfmerge = {
    .name = "pfmerge",
    .handler = pfmerge,
    .arity = -2,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM,
    .categories = CATEGORY_HYPERLOGLOG,
    .group = GROUP_HYPERLOGLOG,
    .since = "2.8.9",
    .summary = "Makes a HyperLogLog count what it and others have counted.",
    .complexity = "O(N) where N is the number of HyperLogLogs.",
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_INSERT), KEY_RANGE(2, -1, 1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(
        ARGUMENT_KEY("destkey", 0),
        {.name = "sourcekey", .type = ARG_KEY, .key_spec = 1, .flags = ARG_OPTIONAL | ARG_MULTIPLE}),
};

static void pfmerge(struct call *call)
{
    uint8_t registers[HYPERLOGLOG_REGISTERS] = {0};
    char sparse[HYPERLOGLOG_SPARSE_BYTES_MAX];
    struct source source;
    size_t most = sparse_most(call), len = 0;
    bool dense = false;

    for (size_t i = 0; i < call->key_count; i++) {
        if (!merge_key(call, i, registers, &source)) return;
        dense |= source.form == HYPERLOGLOG_DENSE;
        size_t least = i > 0 ? 0 : source.bytes > 0 ? source.bytes : HYPERLOGLOG_EMPTY_BYTES;
        if (most < least) most = least; /* the limit is for what grows */
    }
    if (!dense)
        len = hyperloglog_write_sparse(registers, sparse, most < sizeof sparse ? most : sizeof sparse);
    enum error error = len > 0 ? hyperloglog_keys_put(call, 0, (struct slice){sparse, len})
                               : hyperloglog_keys_put_dense(call, 0, registers, SLICE(""));
    if (error) {
        call_fail(call, error);
        return;
    }
    call_notify(call, "pfadd", &call->keys[0]);
    resp_ok(call->out);
}
