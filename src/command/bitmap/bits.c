/* bits.c: counting and finding bits, 64 at a time. */
#include "command/bitmap/bits.h"

#include "command/server_state.h"
#include "util/number.h"

#include <endian.h>

#define WORD_BYTES 8

/* The word at `bytes` with its first byte on top, so that bit order is significance order. */
static uint64_t load_word(const unsigned char *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    return be64toh(word);
}

/* Bits set in each byte of the word, side by side. */
static uint64_t count_per_byte(uint64_t word)
{
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
    return (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
}

uint64_t bits_count(const unsigned char *bytes, size_t len)
{
    const uint64_t low_bytes = UINT64_C(0x00ff00ff00ff00ff);
    const size_t words_max = 255 / 8; /* so many words' counts fit the bytes of a sum */
    uint64_t total = 0;

    while (len >= WORD_BYTES) {
        size_t words = len / WORD_BYTES;
        if (words > words_max) words = words_max;
        uint64_t sums = 0;
        for (size_t i = 0; i < words; i++)
            sums += count_per_byte(load_word(bytes + i * WORD_BYTES));
        sums = (sums & low_bytes) + (sums >> 8 & low_bytes);
        total += (sums * UINT64_C(0x0001000100010001)) >> 48;
        bytes += words * WORD_BYTES;
        len -= words * WORD_BYTES;
    }
    for (; len > 0; len--)
        total += (uint64_t)__builtin_popcount(*bytes++);
    return total;
}

/* The bits of a byte from `first` (0: the highest) on. */
static unsigned from_bit(uint64_t first)
{
    return 0xffu >> (first & 7);
}

/* The bits of a byte up to and with `last`. */
static unsigned to_bit(uint64_t last)
{
    return 0xff00u >> ((last & 7) + 1) & 0xff;
}

uint64_t bits_count_range(const unsigned char *bytes, uint64_t first, uint64_t last)
{
    uint64_t first_byte = first / 8;
    uint64_t last_byte = last / 8;

    if (first_byte == last_byte)
        return (uint64_t)__builtin_popcount(bytes[first_byte] & from_bit(first) & to_bit(last));
    return (uint64_t)__builtin_popcount(bytes[first_byte] & from_bit(first)) +
           bits_count(bytes + first_byte + 1, last_byte - first_byte - 1) +
           (uint64_t)__builtin_popcount(bytes[last_byte] & to_bit(last));
}

/* The first set bit of `byte` among those in `mask`, counted from the highest; 8 when there is none. */
static unsigned first_in_byte(unsigned byte, unsigned mask)
{
    byte &= mask;
    return byte ? (unsigned)__builtin_clz(byte) - 24 : 8;
}

int64_t bits_find(const unsigned char *bytes, uint64_t first, uint64_t last, bool bit)
{
    const unsigned flip =
        bit ? 0 : 0xff; /* looking for a clear bit is looking for a set one of the complement */
    const uint64_t flip_word = bit ? 0 : UINT64_MAX;
    uint64_t at = first / 8;
    uint64_t last_byte = last / 8;
    unsigned mask = from_bit(first);

    while (at < last_byte) {
        unsigned found = first_in_byte(bytes[at] ^ flip, mask);
        if (found < 8) return (int64_t)(at * 8 + found);
        mask = 0xff;
        at++;
        while (last_byte - at >= WORD_BYTES && load_word(bytes + at) == flip_word)
            at += WORD_BYTES;
    }
    unsigned found = first_in_byte(bytes[at] ^ flip, mask & to_bit(last));
    return found < 8 ? (int64_t)(at * 8 + found) : -1;
}

bool bits_offset(struct call *call, size_t arg, unsigned field_bits, uint64_t *offset_out)
{
    uint64_t max_bytes =
        atomic_load_explicit(&call->worker->server->settings->max_bulk_bytes, memory_order_relaxed);
    struct slice text = call->argv[arg];
    int64_t factor = 1;
    int64_t offset;

    if (field_bits > 0 && text.len > 0 && text.ptr[0] == '#') {
        factor = field_bits;
        text.ptr++;
        text.len--;
    }
    if (!number_parse_int(text, &offset) || __builtin_mul_overflow(offset, factor, &offset) || offset < 0 ||
        (uint64_t)offset / 8 >= max_bytes) {
        resp_error(call->out, "ERR bit offset is not an integer or out of range");
        return false;
    }
    *offset_out = (uint64_t)offset;
    return true;
}

bool bits_string(struct call *call, size_t index, bool write, char text[ENTRY_INT_TEXT_MAX],
                 struct slice *bytes_out, bool *exists_out)
{
    const struct entry *entry = write ? call_peek(call, index) : call_read(call, index);

    if (call_wrong_type(call, entry, ENTRY_STRING)) return false;
    *bytes_out = entry ? entry_string(keyspace_heap(call->keyspace), entry, text) : SLICE("");
    if (exists_out) *exists_out = entry != NULL;
    return true;
}
