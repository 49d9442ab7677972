/* random.c: HRANDFIELD. Every live field has the same chance. */
#include "command/arguments.h"
#include "command/hash/hash_commands.h"
#include "command/hash/value.h"
#include "command/set/distinct.h"

#define DEAD_DRAWS    64 /* fields drawn of a large hash before its live ones are counted through */
#define SPARSE_FACTOR 8  /* under a field in so many, drawing one by one beats visiting them all */
#define DRAWS_FACTOR  32 /* draws for each field wanted, at most */

/* What to do with a field that was picked. */
struct picking {
    struct call *call;
    bool with_values;
    bool failed;
    struct distinct *distinct; /* NULL: reply; else collect names */
};

static bool pick(void *ctx, struct slice field, struct slice value)
{
    struct picking *picking = ctx;
    struct resp_out *out = picking->call->out;

    if (picking->distinct) {
        picking->failed |= !distinct_add(picking->distinct, field);
        return !picking->failed;
    }
    if (picking->with_values && out->proto == 3) resp_array(out, 2);
    resp_bulk_slice(out, field);
    if (picking->with_values) resp_bulk_slice(out, value);
    return true;
}

/* ---- one by one ---- */

struct nth {
    uint64_t left;
    struct picking *picking;
};

static bool pick_nth(void *ctx, struct slice field, struct slice value)
{
    struct nth *nth = ctx;

    if (nth->left-- > 0) return true;
    pick(nth->picking, field, value);
    return false;
}

/* Picks one of the `live` fields. */
static void draw(const struct hash_value *value, uint64_t live, struct picking *picking)
{
    struct call *call = value->call;
    char text[ENTRY_INT_TEXT_MAX];

    for (unsigned i = 0; value->root != 0 && i < DEAD_DRAWS; i++) {
        struct hashtable table = hash_table(value->heap, value->root);
        const struct entry *entry = hashtable_random(&table, worker_random(call->worker));
        if (entry_is_expired(entry, call->now_ms)) continue;
        pick(picking, entry_key(entry), entry_string(value->heap, entry, text));
        return;
    }
    struct nth nth = {worker_random(call->worker) % live, picking};
    hash_value_each(value, pick_nth, &nth);
}

/* ---- different ones ---- */

/* A walk over all live fields that picks `wanted` of the `left` still to come. */
struct selection {
    uint64_t wanted;
    uint64_t left;
    struct picking *picking;
};

static bool select_field(void *ctx, struct slice field, struct slice value)
{
    struct selection *selection = ctx;

    if (worker_random(selection->picking->call->worker) % selection->left-- < selection->wanted) {
        selection->wanted--;
        pick(selection->picking, field, value);
    }
    return selection->wanted > 0;
}

/* Replies with `count` different fields of many, drawn one by one. False: it took too long, nothing was replied. */
static bool reply_drawn(const struct hash_value *value, uint64_t live, uint64_t count,
                        const struct picking *picking)
{
    struct distinct names = {0};
    struct picking collecting = {.call = value->call, .distinct = &names};
    struct picking replying = *picking;
    char text[ENTRY_INT_TEXT_MAX];

    for (uint64_t i = 0; i < count * DRAWS_FACTOR && names.count < count && !collecting.failed; i++)
        draw(value, live, &collecting);
    bool done = names.count == count && !collecting.failed;
    for (uint64_t i = 0; done && i < count; i++) {
        struct hash_field field;
        hash_value_find(value, names.items[i], &field);
        pick(&replying, names.items[i], hash_value_text(value, &field, text));
    }
    distinct_free(&names);
    return done;
}

static void reply_different(const struct hash_value *value, uint64_t live, uint64_t count,
                            struct picking *picking)
{
    if (value->root != 0 && count < live / SPARSE_FACTOR && reply_drawn(value, live, count, picking)) return;
    struct selection selection = {count, live, picking};
    hash_value_each(value, select_field, &selection);
}

/* ---- the command ---- */

static void hrandfield(struct call *call);
const struct command hash_hrandfield = {
    .name = "hrandfield",
    .handler = hrandfield,
    .arity = -2,
    .flags = COMMAND_READONLY,
    .categories = CATEGORY_HASH,
    .group = GROUP_HASH,
    .since = "6.2.0",
    .summary =
        "Answers fields of a hash chosen at random: different ones, or (count < 0) any number of them.",
    .complexity = "O(N) where N is the number of fields returned",
    .specs = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
    .arguments = ARGUMENTS(
        ARGUMENT_KEY("key", 0),
        {.name = "options",
         .type = ARG_BLOCK,
         .flags = ARG_OPTIONAL,
         .sub = ARGUMENTS(
             ARGUMENT("count", ARG_INTEGER),
             {.name = "withvalues", .type = ARG_PURE_TOKEN, .token = "WITHVALUES", .flags = ARG_OPTIONAL})}),
    .tips = TIPS("nondeterministic_output"),
};

/* Count and WITHVALUES; false after having replied an error. */
static bool parse(struct call *call, int64_t *count_out, bool *with_values_out)
{
    *with_values_out = call->argc == 4 && call_arg_is(call, 3, "WITHVALUES");
    if (!call_int_range(call, 2, -INT64_MAX, INT64_MAX, NULL, count_out)) return false;
    if (call->argc > 3 && !*with_values_out) {
        call_syntax_error(call);
        return false;
    }
    if (*with_values_out && (*count_out < -INT64_MAX / 2 || *count_out > INT64_MAX / 2)) {
        resp_error(call->out, "ERR value is out of range");
        return false;
    }
    return true;
}

static void hrandfield(struct call *call)
{
    struct hash_value value;
    struct picking picking = {.call = call};
    int64_t wanted = 0;

    if (call->argc > 2 && !parse(call, &wanted, &picking.with_values)) return;
    if (!hash_value_read(call, &value)) return;
    uint64_t live = hash_value_count(&value), count = wanted < 0 ? (uint64_t)-wanted : (uint64_t)wanted;
    if (call->argc == 2) {
        if (live == 0) resp_null(call->out);
        else draw(&value, live, &picking);
        return;
    }
    if (live == 0) count = 0;
    if (wanted > 0 && count > live) count = live;
    resp_array(call->out, picking.with_values && call->out->proto == 2 ? 2 * count : count);
    if (count == 0) return;
    if (wanted > 0) reply_different(&value, live, count, &picking);
    else
        for (uint64_t i = 0; i < count && !call->out->failed && !call->out->discard; i++)
            draw(&value, live, &picking);
}
