/* getex.c: commands that read fields and change them at once: HGETEX, HGETDEL. */
#include "command/hash/fields.h"
#include "command/hash/hash_commands.h"

/* Replies with the value of the field, or null. False when there is none. */
static bool reply_field(const struct hash_value *value, struct slice name, struct hash_field *field_out)
{
    char text[ENTRY_INT_TEXT_MAX];

    if (!hash_value_find(value, name, field_out)) {
        resp_null(value->call->out);
        return false;
    }
    resp_bulk_slice(value->call->out, hash_value_text(value, field_out, text));
    return true;
}

/* What HGETEX does to the times of the fields. */
struct retiming {
    bool wanted;
    int64_t time_ms; /* HASH_TIME_NONE: PERSIST */
};

/* Reads what stands before FIELDS and answers the first field's index; 0 after having replied an error. */
static size_t parse_getex(struct call *call, struct retiming *retiming_out)
{
    struct hash_clock clock;
    size_t at = 2;

    *retiming_out = (struct retiming){false, HASH_TIME_NONE};
    if (hash_fields_clock(call, 2, &clock)) {
        if (!hash_fields_time(call, 3, clock, &retiming_out->time_ms)) return 0;
        at = 4;
    } else if (call_arg_is(call, 2, "PERSIST")) {
        at = 3;
    }
    retiming_out->wanted = at > 2;
    return hash_fields_first(call, at, HASH_FIELDS_POSITIVE);
}

static void hgetex(struct call *call);
const struct command hash_hgetex = {
    .name = "hgetex",
    .handler = hgetex,
    .arity = -5,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "8.0.0",
    .summary = "Answers fields of a hash and sets or takes away their expiry times.",
    .complexity = "O(N) where N is the number of fields named.",
    .specs = {{KEY_BEGIN_INDEX, 1, NULL, KEY_FIND_RANGE, 0, 1, 0, KEY_RW | KEY_ACCESS | KEY_UPDATE,
               "RW and UPDATE because it changes the TTL"}},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0),
                           {.name = "expiration",
                            .type = ARG_ONEOF,
                            .flags = ARG_OPTIONAL,
                            .sub = ARGUMENTS(ARGUMENT_AFTER("seconds", ARG_INTEGER, "EX"),
                                             ARGUMENT_AFTER("milliseconds", ARG_INTEGER, "PX"),
                                             ARGUMENT_AFTER("unix-time-seconds", ARG_UNIX_TIME, "EXAT"),
                                             ARGUMENT_AFTER("unix-time-milliseconds", ARG_UNIX_TIME, "PXAT"),
                                             ARGUMENT_WORD("persist", "PERSIST"))},
                           HASH_FIELDS_ARGUMENT),
};

static void hgetex(struct call *call)
{
    struct hash_value value;
    struct hash_field field;
    struct retiming retiming;
    const char *event = NULL;

    if (!hash_value_edit(call, &value)) return;
    size_t first = parse_getex(call, &retiming);
    if (first == 0) return;
    resp_array(call->out, call->argc - first);
    for (size_t arg = first; arg < call->argc; arg++) {
        if (!reply_field(&value, call->argv[arg], &field) || !retiming.wanted) continue;
        if (retiming.time_ms == HASH_TIME_NONE) {
            if (field.time_ms == HASH_TIME_NONE) continue;
            event = "hpersist";
            hash_value_set_time(&value, &field, HASH_TIME_NONE);
        } else if (retiming.time_ms <= call->now_ms) {
            event = "hdel";
            hash_value_remove(&value, &field);
        } else {
            event = "hexpire";
            hash_value_set_time(&value, &field, retiming.time_ms);
        }
    }
    if (event) hash_value_store(&value, event);
}

static void hgetdel(struct call *call);
const struct command hash_hgetdel = {
    .name = "hgetdel",
    .handler = hgetdel,
    .arity = -5,
    .flags = COMMAND_WRITE | COMMAND_FAST,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "8.0.0",
    .summary = "Answers fields of a hash and removes them.",
    .complexity = "O(N) where N is the number of fields named.",
    .specs = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
    .arguments = ARGUMENTS(ARGUMENT_KEY("key", 0), HASH_FIELDS_ARGUMENT),
};

static void hgetdel(struct call *call)
{
    struct hash_value value;
    struct hash_field field;
    bool changed = false;

    if (!hash_value_edit(call, &value)) return;
    size_t first = hash_fields_first(call, 2, HASH_FIELDS_POSITIVE);
    if (first == 0) return;
    resp_array(call->out, call->argc - first);
    for (size_t arg = first; arg < call->argc; arg++) {
        if (!reply_field(&value, call->argv[arg], &field)) continue;
        hash_value_remove(&value, &field);
        changed = true;
    }
    if (changed) hash_value_store(&value, "hdel");
}
