/* pack.c: items of the forms that pack.h shows. */
#include "rdb/pack.h"

#include "util/number.h"

#include <limits.h>

#define LISTPACK_HEAD 6
#define ZIPLIST_HEAD  10
#define INTSET_HEAD   8
#define COUNT_UNKNOWN 0xffff
#define END_BYTE      0xff
#define ZIPLIST_BIG   0xfe /* in place of a length of one byte: four follow */

size_t rdb_pack_back_length(char back[RDB_PACK_BACK_MAX], size_t bytes)
{
    size_t count = 1;
    if (bytes > 127) count++;
    for (size_t most = 16383; count >= 2 && count < RDB_PACK_BACK_MAX && bytes >= most;
         most = most << 7 | 127)
        count++;
    for (size_t i = 0; i < count; i++)
        back[i] = (char)(uint8_t)((bytes >> 7 * (count - 1 - i) & 127) | (i > 0 ? 128 : 0));
    return count;
}

static uint8_t byte_at(const char *at)
{
    return (uint8_t)*at;
}

/* `len` bytes, little endian; the caller knows that they are there. */
static uint64_t unsigned_at(const char *at, size_t len)
{
    uint64_t value = 0;
    for (size_t i = len; i > 0; i--)
        value = value << 8 | byte_at(at + i - 1);
    return value;
}

static int64_t signed_at(const char *at, size_t len)
{
    unsigned unused = (unsigned)(64 - 8 * len);
    return (int64_t)(unsigned_at(at, len) << unused) >> unused;
}

static uint32_t big_endian_at(const char *at, size_t len)
{
    uint32_t value = 0;
    for (size_t i = 0; i < len; i++)
        value = value << 8 | byte_at(at + i);
    return value;
}

static size_t left(const struct rdb_pack *pack)
{
    return (size_t)(pack->end - pack->at);
}

static bool fail(struct rdb_pack *pack)
{
    rdb_in_fail(pack->in, ERROR_CORRUPT);
    pack->at = pack->end;
    return false;
}

/* ---- heads ---- */

/* The total that the head says, and the byte behind the last item. */
static bool head_is_valid(struct slice run, size_t head)
{
    return run.len > head && unsigned_at(run.ptr, 4) == run.len && byte_at(run.ptr + run.len - 1) == END_BYTE;
}

static void open_counted(struct rdb_pack *pack, struct slice run, size_t head)
{
    if (!head_is_valid(run, head)) {
        fail(pack);
        return;
    }
    uint64_t count = unsigned_at(run.ptr + head - 2, 2);
    pack->at = run.ptr + head;
    pack->end = run.ptr + run.len - 1;
    pack->claimed = count == COUNT_UNKNOWN ? UINT64_MAX : count;
}

static void open_zipmap(struct rdb_pack *pack, struct slice run)
{
    if (run.len < 2 || byte_at(run.ptr + run.len - 1) != END_BYTE) {
        fail(pack);
        return;
    }
    pack->at = run.ptr + 1;
    pack->end = run.ptr + run.len - 1;
    pack->claimed = byte_at(run.ptr) < ZIPLIST_BIG ? 2 * (uint64_t)byte_at(run.ptr) : UINT64_MAX;
}

static void open_intset(struct rdb_pack *pack, struct slice run)
{
    uint64_t width = run.len < INTSET_HEAD ? 0 : unsigned_at(run.ptr, 4);
    if ((width != 2 && width != 4 && width != 8) ||
        unsigned_at(run.ptr + 4, 4) * width != run.len - INTSET_HEAD) {
        fail(pack);
        return;
    }
    pack->width = (unsigned)width;
    pack->at = run.ptr + INTSET_HEAD;
    pack->end = run.ptr + run.len;
}

struct rdb_pack rdb_pack_open(struct rdb_in *in, enum rdb_pack_form form, struct slice run)
{
    struct rdb_pack pack = {.in = in, .form = form, .at = run.ptr, .end = run.ptr, .claimed = UINT64_MAX};
    switch (form) {
    case RDB_PACK_LISTPACK: open_counted(&pack, run, LISTPACK_HEAD); break;
    case RDB_PACK_ZIPLIST: open_counted(&pack, run, ZIPLIST_HEAD); break;
    case RDB_PACK_ZIPMAP: open_zipmap(&pack, run); break;
    case RDB_PACK_INTSET: open_intset(&pack, run); break;
    }
    return pack;
}

/* ---- items ---- */

/* A string of `len` bytes behind `head` bytes. */
static bool take_string(struct rdb_pack *pack, size_t head, size_t len, struct rdb_pack_item *item_out)
{
    if (head > left(pack) || len > left(pack) - head) return fail(pack);
    *item_out = (struct rdb_pack_item){.bytes = {pack->at + head, len}};
    pack->at += head + len;
    return true;
}

/* An integer of `len` bytes behind one byte. */
static bool take_int(struct rdb_pack *pack, size_t len, struct rdb_pack_item *item_out)
{
    if (len >= left(pack)) return fail(pack);
    *item_out = (struct rdb_pack_item){.is_int = true, .number = signed_at(pack->at + 1, len)};
    pack->at += 1 + len;
    return true;
}

/* An integer in the `head` bytes themselves. */
static bool take_small(struct rdb_pack *pack, size_t head, int64_t number, struct rdb_pack_item *item_out)
{
    *item_out = (struct rdb_pack_item){.is_int = true, .number = number};
    pack->at += head;
    return true;
}

static bool listpack_item(struct rdb_pack *pack, struct rdb_pack_item *item_out)
{
    uint8_t first = byte_at(pack->at);
    if (first < 0x80) return take_small(pack, 1, first, item_out);
    if (first < 0xc0) return take_string(pack, 1, first & 0x3f, item_out);
    if (first < 0xe0) {
        if (left(pack) < 2) return fail(pack);
        int64_t number = (int64_t)(first & 0x1f) << 8 | byte_at(pack->at + 1);
        return take_small(pack, 2, number < 1 << 12 ? number : number - (1 << 13), item_out);
    }
    if (first < 0xf0) {
        if (left(pack) < 2) return fail(pack);
        return take_string(pack, 2, (size_t)(first & 0xf) << 8 | byte_at(pack->at + 1), item_out);
    }
    switch (first) {
    case 0xf0:
        if (left(pack) < 5) return fail(pack);
        return take_string(pack, 5, (size_t)unsigned_at(pack->at + 1, 4), item_out);
    case 0xf1: return take_int(pack, 2, item_out);
    case 0xf2: return take_int(pack, 3, item_out);
    case 0xf3: return take_int(pack, 4, item_out);
    case 0xf4: return take_int(pack, 8, item_out);
    default: return fail(pack);
    }
}

/* Behind an item of `bytes` bytes stands that number (rdb_pack_back_length). */
static bool skip_back_length(struct rdb_pack *pack, size_t bytes)
{
    char back[RDB_PACK_BACK_MAX];
    size_t count = rdb_pack_back_length(back, bytes);
    if (count > left(pack) || memcmp(pack->at, back, count) != 0) return fail(pack);
    pack->at += count;
    return true;
}

static bool next_in_listpack(struct rdb_pack *pack, struct rdb_pack_item *item_out)
{
    const char *begin = pack->at;
    return listpack_item(pack, item_out) && skip_back_length(pack, (size_t)(pack->at - begin));
}

static bool ziplist_item(struct rdb_pack *pack, struct rdb_pack_item *item_out)
{
    uint8_t first = byte_at(pack->at);
    switch (first >> 6) {
    case 0: return take_string(pack, 1, first, item_out);
    case 1:
        if (left(pack) < 2) return fail(pack);
        return take_string(pack, 2, (size_t)(first & 0x3f) << 8 | byte_at(pack->at + 1), item_out);
    case 2:
        if (left(pack) < 5) return fail(pack);
        return take_string(pack, 5, big_endian_at(pack->at + 1, 4), item_out);
    default: break;
    }
    switch (first) {
    case 0xc0: return take_int(pack, 2, item_out);
    case 0xd0: return take_int(pack, 4, item_out);
    case 0xe0: return take_int(pack, 8, item_out);
    case 0xf0: return take_int(pack, 3, item_out);
    case 0xfe: return take_int(pack, 1, item_out);
    default: break;
    }
    if (first < 0xf1 || first > 0xfd) return fail(pack);
    return take_small(pack, 1, (first & 0xf) - 1, item_out);
}

static bool next_in_ziplist(struct rdb_pack *pack, struct rdb_pack_item *item_out)
{
    const char *begin = pack->at;
    size_t before = byte_at(pack->at++);
    if (before >= ZIPLIST_BIG) {
        if (before != ZIPLIST_BIG || left(pack) < 4) return fail(pack);
        before = (size_t)unsigned_at(pack->at, 4);
        pack->at += 4;
    }
    if (before != pack->last_bytes || pack->at == pack->end || !ziplist_item(pack, item_out))
        return fail(pack);
    pack->last_bytes = (size_t)(pack->at - begin);
    return true;
}

static bool next_in_zipmap(struct rdb_pack *pack, struct rdb_pack_item *item_out)
{
    size_t head = 1, len = byte_at(pack->at), unused = 0;
    if (len >= ZIPLIST_BIG) {
        if (len != ZIPLIST_BIG || left(pack) < 5) return fail(pack);
        len = (size_t)unsigned_at(pack->at + 1, 4);
        head = 5;
    }
    if (pack->at_value) {
        if (left(pack) <= head) return fail(pack);
        unused = byte_at(pack->at + head++);
    }
    if (!take_string(pack, head, len, item_out) || unused > left(pack)) return fail(pack);
    pack->at += unused;
    pack->at_value = !pack->at_value;
    return true;
}

static bool next_in_intset(struct rdb_pack *pack, struct rdb_pack_item *item_out)
{
    *item_out = (struct rdb_pack_item){.is_int = true, .number = signed_at(pack->at, pack->width)};
    pack->at += pack->width;
    return true;
}

bool rdb_pack_next(struct rdb_pack *pack, struct rdb_pack_item *item_out)
{
    if (!rdb_in_ok(pack->in)) return false;
    if (pack->at == pack->end) {
        bool complete = pack->claimed == UINT64_MAX || pack->claimed == pack->passed;
        return complete ? false : fail(pack);
    }
    pack->passed++;
    switch (pack->form) {
    case RDB_PACK_LISTPACK: return next_in_listpack(pack, item_out);
    case RDB_PACK_ZIPLIST: return next_in_ziplist(pack, item_out);
    case RDB_PACK_ZIPMAP: return next_in_zipmap(pack, item_out);
    case RDB_PACK_INTSET: return next_in_intset(pack, item_out);
    }
    return false;
}

struct slice rdb_pack_text(struct rdb_pack *pack, const struct rdb_pack_item *item)
{
    return item->is_int ? rdb_in_int_text(pack->in, item->number) : item->bytes;
}

int64_t rdb_pack_int(struct rdb_pack *pack)
{
    struct rdb_pack_item item;
    int64_t number = 0;
    if (!rdb_pack_next(pack, &item)) fail(pack);
    else if (item.is_int) number = item.number;
    else if (!number_parse_int(item.bytes, &number)) fail(pack);
    return number;
}
