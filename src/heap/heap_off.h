/* heap_off.h: persistent pointers (H4). An offset from the start of the heap in the low 48 bits, a tag that
 * belongs to the holder in the high 16; offset 0 is null. Nothing persistent holds an address. */
#ifndef CAIRN_HEAP_HEAP_OFF_H
#define CAIRN_HEAP_HEAP_OFF_H

#include <assert.h>
#include <stdint.h>

struct heap_off {
    uint64_t raw;
};
static_assert(sizeof(struct heap_off) == 8, "a persistent pointer is one word");

#define HEAP_OFF_BITS 48
#define HEAP_OFF_MASK ((UINT64_C(1) << HEAP_OFF_BITS) - 1)

static inline uint64_t heap_off_get(struct heap_off off)
{
    return off.raw & HEAP_OFF_MASK;
}

static inline uint16_t heap_off_tag(struct heap_off off)
{
    return (uint16_t)(off.raw >> HEAP_OFF_BITS);
}

static inline struct heap_off heap_off_make(uint64_t offset, uint16_t tag)
{
    return (struct heap_off){(offset & HEAP_OFF_MASK) | (uint64_t)tag << HEAP_OFF_BITS};
}

#endif
