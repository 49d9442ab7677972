/* hyperloglog.c: header, hash, dense registers and the estimate (hyperloglog.h). */
#include "ds/hyperloglog.h"

#include <endian.h>
#include <math.h>

#define MAGIC      "HYLL"
#define FORM_AT    4
#define INDEX_BITS 14
#define HASH_BITS  (64 - INDEX_BITS)
#define STALE      (UINT64_C(1) << 63)
#define HASH_SEED  UINT64_C(0xadc83b19)

enum { FORM_DENSE = 0, FORM_SPARSE = 1 };

enum hyperloglog_form hyperloglog_form(struct slice bytes)
{
    if (bytes.len < HYPERLOGLOG_HEADER_BYTES || memcmp(bytes.ptr, MAGIC, 4) != 0) return HYPERLOGLOG_NONE;
    if (bytes.ptr[FORM_AT] == FORM_SPARSE) return HYPERLOGLOG_SPARSE;
    if (bytes.ptr[FORM_AT] != FORM_DENSE || bytes.len != HYPERLOGLOG_DENSE_BYTES) return HYPERLOGLOG_NONE;
    return HYPERLOGLOG_DENSE;
}

static void write_header(char *bytes, char form)
{
    memset(bytes, 0, HYPERLOGLOG_HEADER_BYTES);
    memcpy(bytes, MAGIC, 4);
    bytes[FORM_AT] = form;
}

size_t hyperloglog_init(char *bytes)
{
    write_header(bytes, FORM_SPARSE);
    bytes[HYPERLOGLOG_HEADER_BYTES] = 0x40 | (HYPERLOGLOG_REGISTERS - 1) >> 8;
    bytes[HYPERLOGLOG_HEADER_BYTES + 1] = (char)((HYPERLOGLOG_REGISTERS - 1) & 0xff);
    return HYPERLOGLOG_EMPTY_BYTES;
}

/* ---- the hash: MurmurHash64A ---- */

static uint64_t mix(uint64_t word)
{
    const uint64_t factor = UINT64_C(0xc6a4a7935bd1e995);
    word *= factor;
    word ^= word >> 47;
    return word * factor;
}

static uint64_t hash_of(struct slice element)
{
    const uint64_t factor = UINT64_C(0xc6a4a7935bd1e995);
    uint64_t hash = HASH_SEED ^ element.len * factor, word;
    size_t at = 0;
    for (; element.len - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, element.ptr + at, sizeof(word));
        hash = (hash ^ mix(le64toh(word))) * factor;
    }
    if (at < element.len) {
        word = 0;
        memcpy(&word, element.ptr + at, element.len - at);
        hash = (hash ^ le64toh(word)) * factor;
    }
    hash = (hash ^ hash >> 47) * factor;
    return hash ^ hash >> 47;
}

struct hyperloglog_place hyperloglog_place(struct slice element)
{
    uint64_t hash = hash_of(element);
    uint64_t rest = hash >> INDEX_BITS | UINT64_C(1) << HASH_BITS;
    return (struct hyperloglog_place){(uint32_t)(hash & (HYPERLOGLOG_REGISTERS - 1)),
                                      (uint8_t)(__builtin_ctzll(rest) + 1)};
}

/* ---- dense registers ---- */

uint8_t hyperloglog_dense_get(const char *bytes, uint32_t index)
{
    const unsigned char *at = (const unsigned char *)bytes + HYPERLOGLOG_HEADER_BYTES + index * 6 / 8;
    unsigned shift = index * 6 % 8, word = at[0];
    if (shift > 2) word |= (unsigned)at[1] << 8;
    return word >> shift & HYPERLOGLOG_VALUE_MAX;
}

size_t hyperloglog_dense_put(struct slice bytes, struct hyperloglog_place place,
                             char contents[HYPERLOGLOG_REGISTER_BYTES], size_t *len_out)
{
    size_t at = HYPERLOGLOG_HEADER_BYTES + place.index * 6 / 8;
    unsigned shift = place.index * 6 % 8, word = (unsigned char)bytes.ptr[at];
    *len_out = shift > 2 ? 2 : 1;
    if (shift > 2) word |= (unsigned)(unsigned char)bytes.ptr[at + 1] << 8;
    word = (word & ~((unsigned)HYPERLOGLOG_VALUE_MAX << shift)) | (unsigned)place.value << shift;
    contents[0] = (char)(word & 0xff);
    contents[1] = (char)(word >> 8 & 0xff);
    return at;
}

void hyperloglog_write_dense(const uint8_t registers[HYPERLOGLOG_REGISTERS],
                             char bytes[HYPERLOGLOG_DENSE_BYTES])
{
    write_header(bytes, FORM_DENSE);
    hyperloglog_set_cached(bytes + HYPERLOGLOG_CARDINALITY_AT, 0, false);
    char *to = bytes + HYPERLOGLOG_HEADER_BYTES;
    for (size_t i = 0; i < HYPERLOGLOG_REGISTERS; i += 4, to += 3) { /* four registers are three bytes */
        uint32_t word = (uint32_t)registers[i] | (uint32_t)registers[i + 1] << 6 |
                        (uint32_t)registers[i + 2] << 12 | (uint32_t)registers[i + 3] << 18;
        to[0] = (char)(word & 0xff);
        to[1] = (char)(word >> 8 & 0xff);
        to[2] = (char)(word >> 16 & 0xff);
    }
}

static void merge_dense(const unsigned char *from, uint8_t registers[HYPERLOGLOG_REGISTERS])
{
    for (size_t i = 0; i < HYPERLOGLOG_REGISTERS; i += 4, from += 3) {
        uint32_t word = (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16;
        for (size_t j = 0; j < 4; j++, word >>= 6) {
            uint8_t value = word & HYPERLOGLOG_VALUE_MAX;
            if (value > registers[i + j]) registers[i + j] = value;
        }
    }
}

static bool merge_sparse(struct slice bytes, uint8_t registers[HYPERLOGLOG_REGISTERS])
{
    struct hyperloglog_run run;
    size_t at = HYPERLOGLOG_HEADER_BYTES, index = 0;
    for (; hyperloglog_run(bytes, at, &run); at += run.bytes) {
        if (run.registers == 0 || run.registers > HYPERLOGLOG_REGISTERS - index) return false;
        for (size_t end = index + run.registers; index < end; index++)
            if (run.value > registers[index]) registers[index] = run.value;
    }
    return index == HYPERLOGLOG_REGISTERS;
}

bool hyperloglog_merge(struct slice bytes, uint8_t registers[HYPERLOGLOG_REGISTERS])
{
    switch (hyperloglog_form(bytes)) {
    case HYPERLOGLOG_SPARSE: return merge_sparse(bytes, registers);
    case HYPERLOGLOG_DENSE:
        merge_dense((const unsigned char *)bytes.ptr + HYPERLOGLOG_HEADER_BYTES, registers);
        return true;
    case HYPERLOGLOG_NONE: break;
    }
    return false;
}

/* ---- cardinality ---- */

bool hyperloglog_cached(struct slice bytes, uint64_t *cardinality_out)
{
    uint64_t word;
    memcpy(&word, bytes.ptr + HYPERLOGLOG_CARDINALITY_AT, sizeof(word));
    *cardinality_out = le64toh(word);
    return (*cardinality_out & STALE) == 0;
}

void hyperloglog_set_cached(char cardinality[HYPERLOGLOG_CARDINALITY_BYTES], uint64_t value, bool valid)
{
    uint64_t word = htole64(valid ? value & ~STALE : value | STALE);
    memcpy(cardinality, &word, sizeof(word));
}

/* The two series of Ertl's "New cardinality estimation algorithms for HyperLogLog sketches" (2017): for
 * the share of registers that are 0, and for those that can't grow any more. */
static double sigma(double share)
{
    double power = share, weight = 1, sum = share, before;
    if (share == 1) return INFINITY;
    do {
        power *= power;
        before = sum;
        sum += power * weight;
        weight += weight;
    } while (sum != before);
    return sum;
}

static double tau(double share)
{
    double root = share, weight = 1, sum = 1 - share, before;
    if (share == 0 || share == 1) return 0;
    do {
        root = sqrt(root);
        before = sum;
        weight *= 0.5;
        sum -= (1 - root) * (1 - root) * weight;
    } while (sum != before);
    return sum / 3;
}

uint64_t hyperloglog_estimate(const uint8_t registers[HYPERLOGLOG_REGISTERS])
{
    const double m = HYPERLOGLOG_REGISTERS, alpha = 0.721347520444481703680; /* 1 / (2 ln 2) */
    uint32_t counts[HYPERLOGLOG_VALUE_MAX + 1] = {0};
    for (size_t i = 0; i < HYPERLOGLOG_REGISTERS; i++)
        counts[registers[i] & HYPERLOGLOG_VALUE_MAX]++;
    double sum = m * tau((m - counts[HASH_BITS + 1]) / m);
    for (int value = HASH_BITS; value >= 1; value--)
        sum = (sum + counts[value]) * 0.5;
    sum += m * sigma(counts[0] / m);
    double estimate = alpha * m * m / sum;
    return estimate < (double)INT64_MAX ? (uint64_t)llround(estimate)
                                        : INT64_MAX; /* all registers made up by a client */
}
