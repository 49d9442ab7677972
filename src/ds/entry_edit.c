/* entry_edit.c: building and changing entries.
 *
 * Crash table (the undo log covers each line; what a crash after a store leaves before recovery):
 *   entry_create       a new block is filled; nobody reaches it until the caller stores its offset in a slot
 *   entry_overwrite    old bytes logged; header, words and value half new: undone
 *   entry_set_expiry   with a slot for it: one logged word
 *                      without: the whole entry logged, tail moved, slot written: undone
 *   entry_free         frees take effect at commit; until then block and value stand unchanged
 *                      a root: its link, the list's head (reclaim.c)
 */
#include "ds/entry_edit.h"
#include "ds/reclaim.h"
#include "util/assert.h"

#include <string.h>

#define PREFIX_MAX      (sizeof(struct entry_layout) + 8 * (2 + (size_t)ENTRY_EXTERNAL))
#define COMPOSED_MAX    256 /* entries up to this are put together on the stack: one store, one flush */
#define ONE_LOG_MAX     128 /* entries up to this are logged whole rather than in two ranges */
#define TOLERATED_WASTE 64  /* bytes of a block that may lie idle whatever the share */

struct entry_image entry_image_of(const struct entry *entry)
{
    struct entry_image image = {
        .type = entry_type(entry),
        .encoding = entry_encoding(entry),
        .edited = (entry->head.flags & ENTRY_FLAG_EDITED) != 0,
        .expiry_slot = (entry->head.flags & ENTRY_FLAG_EXPIRY) != 0,
        .expire_at_ms = entry_expire_ms(entry),
        .access = entry_access(entry),
        .key = entry_key_inline(entry),
    };
    const char *aux = (const char *)entry + entry_prefix_bytes(entry->head.flags, ENTRY_EMBEDDED);
    switch (image.encoding) {
    case ENTRY_WORD:
        if (image.type == ENTRY_STRING) memcpy(&image.number, aux, sizeof(image.number));
        else memcpy(&image.root, aux, sizeof(image.root));
        break;
    case ENTRY_EXTERNAL: memcpy(&image.external, aux, sizeof(image.external)); break;
    case ENTRY_EMBEDDED:
        image.value = (struct slice){image.key.ptr + image.key.len, entry->head.value_len};
        break;
    }
    return image;
}

static unsigned image_flags(const struct entry_image *image)
{
    return (image->key.len > ENTRY_SHORT_KEY_MAX ? ENTRY_FLAG_LONG : 0U) |
           (image->expiry_slot ? ENTRY_FLAG_EXPIRY : 0U) | (image->edited ? ENTRY_FLAG_EDITED : 0U);
}

static size_t image_value_len(const struct entry_image *image)
{
    return image->encoding == ENTRY_EMBEDDED ? image->value.len : 0;
}

size_t entry_image_bytes(const struct entry_image *image)
{
    return entry_prefix_bytes(image_flags(image), image->encoding) + image->key.len + image_value_len(image);
}

/* Header to auxiliary words; returns their length. */
static size_t compose_prefix(const struct entry_image *image, char prefix[PREFIX_MAX])
{
    unsigned flags = image_flags(image);
    bool is_long = (flags & ENTRY_FLAG_LONG) != 0;
    struct entry_layout head = {
        .kind = (uint8_t)((unsigned)image->type | (unsigned)image->encoding << 4),
        .flags = (uint8_t)flags,
        .access = {(uint8_t)image->access, (uint8_t)(image->access >> 8), (uint8_t)(image->access >> 16)},
        .key_len = is_long ? 0 : (uint8_t)image->key.len,
        .value_len = (uint16_t)image_value_len(image),
    };
    char *at = prefix;
    memcpy(at, &head, sizeof(head));
    at += sizeof(head);
    if (is_long) {
        uint64_t key_len = image->key.len;
        memcpy(at, &key_len, sizeof(key_len));
        at += sizeof(key_len);
    }
    if (image->expiry_slot) {
        memcpy(at, &image->expire_at_ms, sizeof(image->expire_at_ms));
        at += sizeof(image->expire_at_ms);
    }
    if (image->encoding == ENTRY_WORD)
        memcpy(at, image->type == ENTRY_STRING ? (const void *)&image->number : &image->root, sizeof(uint64_t));
    if (image->encoding == ENTRY_EXTERNAL) memcpy(at, &image->external, sizeof(image->external));
    return (size_t)(at - prefix) + 8 * (size_t)image->encoding;
}

void entry_image_write(struct tx *tx, struct entry *dst, const struct entry_image *image)
{
    char bytes[COMPOSED_MAX];
    size_t prefix_len = compose_prefix(image, bytes);
    size_t value_len = image_value_len(image);
    size_t total = prefix_len + image->key.len + value_len;
    if (total <= sizeof(bytes)) {
        memcpy(bytes + prefix_len, image->key.ptr, image->key.len);
        if (value_len > 0) memcpy(bytes + prefix_len + image->key.len, image->value.ptr, value_len);
        tx_write(tx, dst, bytes, total);
        return;
    }
    char *at = (char *)dst;
    tx_write(tx, at, bytes, prefix_len);
    tx_write(tx, at + prefix_len, image->key.ptr, image->key.len);
    if (value_len > 0) tx_write(tx, at + prefix_len + image->key.len, image->value.ptr, value_len);
}

bool entry_fits(const struct heap *heap, const struct entry *entry, const struct entry_image *image)
{
    size_t old_bytes = entry_bytes(entry), new_bytes = entry_image_bytes(image);
    if (new_bytes == old_bytes) return true;
    size_t usable = heap_usable_size(heap, entry_off(heap, entry));
    return new_bytes <= usable && usable - new_bytes <= usable / 2 + TOLERATED_WASTE;
}

enum error entry_overwrite(struct tx *tx, struct entry *entry, const struct entry_image *image)
{
    char prefix[PREFIX_MAX];
    size_t prefix_len = compose_prefix(image, prefix);
    size_t total = entry_image_bytes(image);
    size_t key_end = total - image_value_len(image);
    bool same_prefix = prefix_len == entry_prefix_bytes(entry->head.flags, entry_encoding(entry)) &&
                       memcmp(prefix, entry, prefix_len) == 0;
    if (same_prefix) { /* the hot case: the key stands where it stood, only value bytes change */
        if (total == key_end) return ERROR_OK;
        char *value = (char *)entry + key_end;
        enum error error = tx_snapshot(tx, value, total - key_end);
        if (error == ERROR_OK) tx_write(tx, value, image->value.ptr, total - key_end);
        return error;
    }
    bool same_place = prefix_len == entry_prefix_bytes(entry->head.flags, entry_encoding(entry));
    if (!same_place || total <= ONE_LOG_MAX) {
        enum error error = tx_snapshot(tx, entry, total);
        if (error == ERROR_OK) entry_image_write(tx, entry, image);
        return error;
    }
    enum error error = tx_snapshot(tx, entry, prefix_len);
    if (error == ERROR_OK && total > key_end)
        error = tx_snapshot(tx, (char *)entry + key_end, total - key_end);
    if (error != ERROR_OK) return error;
    tx_write(tx, entry, prefix, prefix_len);
    if (total > key_end) tx_write(tx, (char *)entry + key_end, image->value.ptr, total - key_end);
    return ERROR_OK;
}

enum error entry_create(struct tx *tx, const struct entry_image *image, size_t min_bytes, uint64_t *off_out)
{
    size_t bytes = entry_image_bytes(image);
    enum error error = heap_alloc(tx, bytes > min_bytes ? bytes : min_bytes, off_out);
    if (error == ERROR_OK) entry_image_write(tx, heap_ptr(heap_of(tx), *off_out), image);
    return error;
}

enum error entry_set_expiry(struct tx *tx, struct entry *entry, int64_t expire_at_ms, bool *done_out)
{
    ASSERT(expire_at_ms >= -1);
    *done_out = true;
    if (entry->head.flags & ENTRY_FLAG_EXPIRY)
        return tx_store64(tx, (uint64_t *)(void *)entry_expiry_slot(entry), (uint64_t)expire_at_ms);
    if (expire_at_ms == -1) return ERROR_OK;

    const struct heap *heap = heap_of(tx);
    size_t bytes = entry_bytes(entry);
    if (bytes + sizeof(int64_t) > heap_usable_size(heap, entry_off(heap, entry))) {
        *done_out = false;
        return ERROR_OK;
    }
    enum error error = tx_snapshot(tx, entry, bytes + sizeof(int64_t));
    if (error != ERROR_OK) return error;
    struct entry_layout head = entry->head;
    head.flags = (uint8_t)(head.flags | ENTRY_FLAG_EXPIRY);
    size_t slot = entry_prefix_bytes(head.flags & ENTRY_FLAG_LONG, ENTRY_EMBEDDED);
    tx_move(tx, (char *)entry + slot + sizeof(int64_t), (char *)entry + slot, bytes - slot);
    tx_write(tx, (char *)entry + slot, &expire_at_ms, sizeof(expire_at_ms));
    tx_write(tx, entry, &head, sizeof(head));
    return ERROR_OK;
}

enum error entry_external_create(struct tx *tx, struct slice value, size_t min_capacity,
                                 struct entry_external_layout *external_out)
{
    if (value.len > ENTRY_VALUE_MAX) return ERROR_TOO_LARGE;
    size_t capacity = value.len > min_capacity ? value.len : min_capacity;
    enum error error =
        heap_alloc(tx, capacity < ENTRY_VALUE_MAX ? capacity : ENTRY_VALUE_MAX, &external_out->off);
    if (error != ERROR_OK) return error;
    external_out->len = value.len;
    if (value.len > 0) tx_write(tx, heap_ptr(heap_of(tx), external_out->off), value.ptr, value.len);
    return ERROR_OK;
}

enum error entry_free_value(struct tx *tx, const struct entry *entry, uint64_t *list)
{
    enum collection_kind kind;
    uint64_t root = entry_root(entry, &kind);
    if (root != 0 && list != NULL) return reclaim_push(tx, root, kind, list);
    if (entry_encoding(entry) != ENTRY_EXTERNAL) return ERROR_OK;
    return heap_free(tx, entry_image_of(entry).external.off);
}

enum error entry_free(struct tx *tx, struct entry *entry, uint64_t *list)
{
    enum error error = entry_free_value(tx, entry, list);
    return error == ERROR_OK ? heap_free(tx, entry_off(heap_of(tx), entry)) : error;
}
