/* entry.c: reading entries, and checking them. */
#include "ds/entry_edit.h"
#include "util/assert.h"
#include "util/number.h"

#include <stdio.h>

#define EMBSTR_MAX 44 /* Redis's limit, for OBJECT ENCODING */

enum entry_type entry_type(const struct entry *entry)
{
    return (enum entry_type)(entry->head.kind & 15);
}

const char *entry_type_name(enum entry_type type)
{
    static const char *const names[] = {"string", "list", "set", "zset", "hash", "stream"};
    ASSERT((unsigned)type < sizeof(names) / sizeof(*names));
    return names[type];
}

static const char *string_encoding_name(const struct entry *entry)
{
    if (entry_encoding(entry) == ENTRY_WORD) return "int";
    bool whole = entry_encoding(entry) == ENTRY_EMBEDDED && !(entry->head.flags & ENTRY_FLAG_EDITED);
    return whole && entry->head.value_len <= EMBSTR_MAX ? "embstr" : "raw";
}

const char *entry_encoding_name(const struct heap *heap, const struct entry *entry)
{
    const struct collection_ops *ops = entry_collection(entry);
    struct slice blob;
    if (ops == NULL) return string_encoding_name(entry);
    if (!entry_packed(heap, entry, &blob)) {
        return ops->rooted_encoding == NULL ? ops->encoding : ops->rooted_encoding(heap, entry_root(entry, NULL));
    }
    return ops->packed_encoding == NULL ? "listpack" : ops->packed_encoding(blob);
}

struct slice entry_key(const struct entry *entry)
{
    return entry_key_inline(entry);
}

int64_t entry_expire_ms(const struct entry *entry)
{
    if (!(entry->head.flags & ENTRY_FLAG_EXPIRY)) return -1;
    const char *slot = (const char *)entry + entry_prefix_bytes(entry->head.flags & ENTRY_FLAG_LONG, 0);
    return *(const int64_t *)(const void *)slot;
}

static const void *aux_of(const struct entry *entry)
{
    return (const char *)entry + entry_prefix_bytes(entry->head.flags, 0);
}

bool entry_int(const struct entry *entry, int64_t *value_out)
{
    if (entry->head.kind != (ENTRY_STRING | ENTRY_WORD << 4)) return false;
    *value_out = *(const int64_t *)aux_of(entry);
    return true;
}

/* The value's bytes, of EMBEDDED and EXTERNAL. */
static struct slice value_bytes(const struct heap *heap, const struct entry *entry)
{
    if (entry_encoding(entry) == ENTRY_EXTERNAL) {
        const struct entry_external_layout *external = aux_of(entry);
        return (struct slice){heap_ptr(heap, external->off), (size_t)external->len};
    }
    struct slice key = entry_key_inline(entry);
    return (struct slice){key.ptr + key.len, entry->head.value_len};
}

size_t entry_string_len(const struct heap *heap, const struct entry *entry)
{
    char text[ENTRY_INT_TEXT_MAX];
    return entry_string(heap, entry, text).len;
}

struct slice entry_string(const struct heap *heap, const struct entry *entry, char text[ENTRY_INT_TEXT_MAX])
{
    if (entry_encoding(entry) == ENTRY_WORD)
        return (struct slice){text, number_int_text(text, *(const int64_t *)aux_of(entry))};
    return value_bytes(heap, entry);
}

bool entry_packed(const struct heap *heap, const struct entry *entry, struct slice *blob_out)
{
    if (entry_type(entry) == ENTRY_STRING || entry_encoding(entry) == ENTRY_WORD) return false;
    *blob_out = value_bytes(heap, entry);
    return true;
}

uint64_t entry_root(const struct entry *entry, enum collection_kind *kind_out)
{
    if (entry_type(entry) == ENTRY_STRING || entry_encoding(entry) != ENTRY_WORD) return 0;
    struct heap_off root = {*(const uint64_t *)aux_of(entry)};
    if (kind_out != NULL) *kind_out = (enum collection_kind)heap_off_tag(root);
    return heap_off_get(root);
}

const struct collection_ops *entry_collection(const struct entry *entry)
{
    static const enum collection_kind kinds[] = {
        [ENTRY_LIST] = COLLECTION_LIST, [ENTRY_SET] = COLLECTION_SET,       [ENTRY_ZSET] = COLLECTION_ZSET,
        [ENTRY_HASH] = COLLECTION_HASH, [ENTRY_STREAM] = COLLECTION_STREAM,
    };
    enum entry_type type = entry_type(entry);
    return type > ENTRY_STREAM ? NULL : collection_ops(kinds[type]);
}

int64_t entry_due_ms(const struct heap *heap, const struct entry *entry)
{
    int64_t own_ms = entry_expire_ms(entry), inner_ms = -1;
    const struct collection_ops *ops = entry_collection(entry);
    struct slice blob;
    if (ops == NULL || ops->due_ms == NULL) return own_ms;
    if (entry_packed(heap, entry, &blob)) inner_ms = ops->packed_due_ms(blob);
    else inner_ms = ops->due_ms(heap, entry_root(entry, NULL));
    if (own_ms < 0 || inner_ms < 0) return own_ms > inner_ms ? own_ms : inner_ms;
    return own_ms < inner_ms ? own_ms : inner_ms;
}

void entry_visit(const struct heap *heap, const struct entry *entry, collection_visit *visit, void *ctx)
{
    const struct collection_ops *ops = entry_collection(entry);
    struct slice blob;
    ASSERT(ops != NULL);
    if (entry_packed(heap, entry, &blob)) ops->packed_visit(blob, visit, ctx);
    else ops->visit(heap, entry_root(entry, NULL), visit, ctx);
}

uint32_t entry_access(const struct entry *entry)
{
    const uint8_t *bytes = entry->head.access;
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
}

void entry_set_access(struct tx *tx, struct entry *entry, uint32_t bits)
{
    if (entry_access(entry) == (bits & 0xffffff)) return;
    uint8_t bytes[3] = {(uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16)};
    tx_scratch(tx, entry->head.access, bytes, sizeof(bytes));
}

size_t entry_bytes(const struct entry *entry)
{
    return entry_prefix_bytes(entry->head.flags, entry_encoding(entry)) + entry_key_inline(entry).len +
           entry->head.value_len;
}

uint64_t entry_off(const struct heap *heap, const struct entry *entry)
{
    return (uint64_t)((const char *)entry - heap_base(heap));
}

size_t entry_heap_bytes(const struct heap *heap, const struct entry *entry, size_t samples)
{
    size_t bytes = heap_usable_size(heap, entry_off(heap, entry));
    uint64_t root = entry_root(entry, NULL);
    if (root != 0) bytes += entry_collection(entry)->bytes(heap, root, samples);
    if (entry_encoding(entry) == ENTRY_EXTERNAL)
        bytes += heap_usable_size(heap, ((const struct entry_external_layout *)aux_of(entry))->off);
    return bytes;
}

bool entry_is_valid(const struct heap *heap, uint64_t off)
{
    if (off == 0 || off % 8 != 0 || !heap_holds(heap, off, sizeof(struct entry_layout))) return false;
    const struct entry *entry = heap_ptr(heap, off);
    unsigned flags = entry->head.flags;
    if ((flags & ~(unsigned)ENTRY_FLAGS) || entry_type(entry) > ENTRY_STREAM) return false;
    if (entry->head.kind >> 4 > ENTRY_EXTERNAL) return false;
    size_t prefix = entry_prefix_bytes(flags, entry_encoding(entry));
    if (!heap_holds(heap, off, prefix)) return false;
    if (entry_encoding(entry) != ENTRY_EMBEDDED && entry->head.value_len != 0) return false; /* E2 */
    size_t key_len = entry_key_inline(entry).len;
    if (flags & ENTRY_FLAG_LONG) { /* E1 */
        if (entry->head.key_len != 0 || key_len <= ENTRY_SHORT_KEY_MAX || key_len > HEAP_OBJECT_MAX)
            return false;
    }
    if (!heap_holds(heap, off, prefix + key_len + entry->head.value_len)) return false; /* E4 */
    if (entry_expire_ms(entry) < -1) return false;                                      /* E3 */
    enum collection_kind kind = COLLECTION_KINDS;
    uint64_t root = entry_root(entry, &kind);
    if (entry_type(entry) != ENTRY_STRING && entry_collection(entry) == NULL) return false;
    if (entry_type(entry) != ENTRY_STRING && entry_encoding(entry) == ENTRY_WORD) /* E5 */
        return collection_ops(kind) == entry_collection(entry) && root != 0 && root % 8 == 0 &&
               heap_holds(heap, root, sizeof(struct collection_node_layout));
    if (entry_encoding(entry) != ENTRY_EXTERNAL) return true;
    const struct entry_external_layout *external = aux_of(entry);
    return external->off != 0 && external->len <= ENTRY_VALUE_MAX &&
           heap_holds(heap, external->off, (size_t)external->len);
}

bool entry_value_is_valid(const struct heap *heap, const struct entry *entry, char *detail, size_t detail_cap)
{
    const struct collection_ops *ops = entry_collection(entry);
    struct slice blob;
    if (ops == NULL) return true;
    if (!entry_packed(heap, entry, &blob))
        return ops->is_valid(heap, entry_root(entry, NULL), false, detail, detail_cap);
    if (ops->packed_is_valid(blob)) return true;
    snprintf(detail, detail_cap, "packed %s of the entry at %#llx", entry_type_name(entry_type(entry)),
             (unsigned long long)entry_off(heap, entry));
    return false;
}

void entry_walk(const struct heap *heap, const struct entry *entry, void (*own)(void *ctx, uint64_t off),
                void *ctx)
{
    own(ctx, entry_off(heap, entry));
    uint64_t root = entry_root(entry, NULL);
    if (root != 0) entry_collection(entry)->walk(heap, root, own, ctx);
    if (entry_encoding(entry) == ENTRY_EXTERNAL)
        own(ctx, ((const struct entry_external_layout *)aux_of(entry))->off);
}
