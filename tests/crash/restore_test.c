/* restore_test.c: RESTORE stopped at each of its persistent stores: the key is what it was, or what it was to become, with its time to
 * live. Each kind of value comes to an empty place, and in the place of values of its own and of other types. */
#include "command_rig.h"

#define LATER      "32503680000000" /* the year 3000 */
#define LINES_MAX  6
#define LINE_BYTES 512
#define LONG_TEXT  "a-value-that-is-far-too-long-to-stand-in-its-entry-and-has-a-block-of-its-own-in-the-heap"

/* A value at the key %s; `repeated` is executed `count` times, with the key and a number. */
struct value {
    const char *name;
    const char *lines[LINES_MAX];
    const char *repeated;
    unsigned count;
};

static const struct value values[] = {
    {.name = "number", .lines = {"SET %s 1234"}},
    {.name = "short string", .lines = {"SET %s short"}},
    {.name = "long string", .repeated = "APPEND %s " LONG_TEXT "-%u", .count = 60},
    {.name = "small list", .lines = {"RPUSH %s a b 3"}},
    {.name = "list of many chunks", .repeated = "RPUSH %s " LONG_TEXT "-%u", .count = 200},
    {.name = "set of numbers", .lines = {"SADD %s 1 2 300000"}},
    {.name = "small set", .lines = {"SADD %s a b c"}},
    {.name = "large set", .repeated = "SADD %s member-%u", .count = 300},
    {.name = "small sorted set", .lines = {"ZADD %s 1 a 2 b 2 c"}},
    {.name = "large sorted set", .repeated = "ZADD %s 1.5 member-%u", .count = 300},
    {.name = "small hash", .lines = {"HSET %s a 1 b 2"}},
    {.name = "large hash", .repeated = "HSET %s field-%u value", .count = 300},
    {.name = "hash of fields that expire",
     .lines = {"HSET %s a 1 b 2", "HPEXPIREAT %s " LATER " FIELDS 1 a"}},
    {.name = "stream",
     .lines = {"XGROUP CREATE %s g 0 MKSTREAM", "XADD %s 1-1 field value",
               "XADD %s 2-1 field value other text", "XGROUP CREATECONSUMER %s g idle",
               "XREADGROUP GROUP g reader COUNT 1 STREAMS %s >"}},
    {.name = "long stream", .repeated = "XADD %s %u-1 field " LONG_TEXT, .count = 200},
    {.name = "stream of groups alone", .lines = {"XGROUP CREATE %s g $ MKSTREAM"}},
};
#define VALUES (sizeof values / sizeof *values)

struct restore_case {
    struct rig_case rig; /* first: the rig's own callbacks are handed it; only its name is used */
    const struct value *value;
    const struct value *before; /* in its place; NULL: nothing */
    bool expires_before;
    bool expires_after;
};

static struct rig_desk *open_desk(struct rig *rig)
{
    struct rig_desk *desk = rig_desk_open(rig);
    struct packed_settings *packed = &desk->settings.packed;
    atomic_store(&desk->settings.max_bulk_bytes, 512u << 20);
    atomic_store(&packed->hash_max_entries, 128);
    atomic_store(&packed->hash_max_value, 64);
    atomic_store(&packed->set_max_intset_entries, 512);
    atomic_store(&packed->set_max_entries, 128);
    atomic_store(&packed->set_max_value, 64);
    atomic_store(&packed->zset_max_entries, 128);
    atomic_store(&packed->zset_max_value, 64);
    atomic_store(&packed->list_max_size, -2);
    atomic_store(&packed->stream_node_max_bytes, 4096);
    atomic_store(&packed->stream_node_max_entries, 100);
    return desk;
}

__attribute__((format(printf, 2, 0))) static void say(struct rig_desk *desk, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    ASSERT(len < LINE_BYTES);
    struct slice reply = rig_ask(desk, line);
    if (reply.ptr[0] == '-') fprintf(stderr, "%s: %.*s\n", line, (int)reply.len, reply.ptr);
    ASSERT(reply.ptr[0] != '-');
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the lines of `values` */

static void make(struct rig_desk *desk, const struct value *value, const char *key)
{
    for (size_t i = 0; i < LINES_MAX && value->lines[i]; i++)
        say(desk, value->lines[i], key);
    for (unsigned i = 0; i < value->count; i++)
        say(desk, value->repeated, key, i + 1);
}

/* The payload of the key, or none; copied. */
static struct slice payload_of(struct rig_desk *desk, const char *line)
{
    struct slice reply = rig_ask(desk, line);
    ASSERT(reply.ptr[0] == '$');
    long len = strtol(reply.ptr + 1, NULL, 10);
    if (len < 0) return (struct slice){NULL, 0};
    char *copy = malloc((size_t)len + 1);
    ASSERT(copy != NULL);
    memcpy(copy, reply.ptr + reply.len - 2 - (size_t)len, (size_t)len);
    return (struct slice){copy, (size_t)len};
}

static void restore(struct rig_desk *desk, const struct restore_case *own)
{
    struct slice payload = payload_of(desk, "DUMP source");
    struct slice argv[] = {SLICE("RESTORE"), SLICE("k"),      own->expires_after ? SLICE(LATER) : SLICE("0"),
                           payload,          SLICE("ABSTTL"), SLICE("REPLACE")};
    struct slice reply = rig_request(desk, argv, own->before ? 6 : 5);
    ASSERT(slice_equal(reply, SLICE("+OK\r\n")));
    free((char *)payload.ptr);
}

/* What all keys hold, and in streams and lists all that a payload does: groups, order. */
static int64_t sum_of(struct rig *rig)
{
    struct rig_desk *desk = open_desk(rig);
    struct slice type = rig_ask(desk, "TYPE k");
    bool whole = slice_equal(type, SLICE("+stream\r\n")) || slice_equal(type, SLICE("+list\r\n"));
    struct slice payload = whole ? payload_of(desk, "DUMP k") : (struct slice){NULL, 0};
    uint64_t sum = (uint64_t)rig_sum_of(rig) + (payload.ptr ? hash_bytes(payload, 5) : 0);
    free((char *)payload.ptr);
    rig_desk_close(desk);
    return (int64_t)(sum >> 1);
}

/* Restores once to learn what comes of it. */
static void setup(void *arg, const char *path)
{
    const struct restore_case *own = arg;
    struct rig *rig = rig_open(&rig_current, path);
    struct rig_desk *desk = open_desk(rig);
    say(desk, "SET neighbour %s", "text");
    make(desk, own->value, "source");
    if (own->before) make(desk, own->before, "k");
    restore(desk, own);
    int64_t after = sum_of(rig);
    say(desk, "DEL %s", "k");
    if (own->before) make(desk, own->before, "k");
    if (own->expires_before) say(desk, "PEXPIREAT k %s", LATER);
    int64_t before = sum_of(rig);
    ASSERT(before != after);
    rig_desk_close(desk);
    rig_note(rig, "before", before);
    rig_note(rig, "after", after);
    rig_close(rig);
}

static void operate(void *arg, void *opened)
{
    struct rig_desk *desk = open_desk(opened);
    restore(desk, arg);
    rig_desk_close(desk);
}

static bool verify(void *arg, void *opened, bool returned)
{
    const struct restore_case *own = arg;
    struct rig *rig = opened;
    if (!rig_is_valid(rig)) return false;
    int64_t sum = sum_of(rig);
    bool is_before = sum == rig_noted(rig, "before"), is_after = sum == rig_noted(rig, "after");
    if (!(is_after || (is_before && !returned))) {
        fprintf(stderr, "%s: neither what it was nor what was restored\n", own->rig.name);
        return false;
    }
    struct rig_desk *desk = open_desk(rig); /* and it can be done again */
    say(desk, "DEL %s", "k");
    restore(desk, own);
    rig_desk_close(desk);
    return rig_is_valid(rig);
}

static void explore(const struct restore_case *own, bool persistent_memory, struct crash_counts *counts)
{
    rig_current = rig_crash_case(&own->rig, persistent_memory);
    rig_current.setup = setup;
    rig_current.operate = operate;
    rig_current.verify = verify;
    if (own->value->count > 0 &&
        !test_is_long()) { /* thousands of stores; what stood there before goes at once */
        rig_current.point_stride = 7;
        rig_current.recovery_stride *= 9;
    }
    if (!crash_explore(&rig_current, counts)) fail_msg("%s", own->rig.name);
}

/* Every value to where nothing is, over a string, over a table, and over its like; in short runs large ones in one of these places. */
static void explore_all(bool persistent_memory)
{
    static const struct value *const places[] = {NULL, &values[1], &values[11], &values[13], &values[4]};
    struct crash_counts counts = {0};
    if (!crash_is_built()) skip();
    for (size_t i = 0; i < VALUES; i++)
        for (size_t j = 0; j < sizeof places / sizeof *places; j++) {
            char name[LINE_BYTES];
            bool is_large = values[i].count > 0 || (places[j] && places[j]->count > 0);
            bool is_tried = test_is_long() || (persistent_memory ? !is_large && (i + j) % 3 == 0
                                                                 : !is_large || (i + j) % 4 == 0);
            if (places[j] == &values[i] || !is_tried) continue;
            snprintf(name, sizeof name, "restore: %s over %s", values[i].name,
                     places[j] ? places[j]->name : "nothing");
            const struct restore_case own = {.rig.name = name,
                                             .value = &values[i],
                                             .before = places[j],
                                             .expires_before = places[j] && (i + j) % 2 == 0,
                                             .expires_after = (i + j) % 3 != 0};
            explore(&own, persistent_memory, &counts);
        }
    assert_true(counts.points > 0);
}

static void a_restored_key_is_whole_or_what_it_was(void **state)
{
    (void)state;
    explore_all(false);
}

static void lost_cache_lines_change_nothing_of_it(void **state)
{
    (void)state;
    explore_all(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restored_key_is_whole_or_what_it_was),
        cmocka_unit_test(lost_cache_lines_change_nothing_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
