/* access.h: the access clock of an entry: when (LRU) or how often (LFU) it was used, in Redis's 24 bits.
 *
 * LRU: seconds, modulo 2^24.
 * LFU: 16 bits of minutes since the last decay, then 8 bits of a logarithmic counter.
 */
#ifndef CAIRN_COMMAND_ACCESS_H
#define CAIRN_COMMAND_ACCESS_H

#include "command/settings.h"

#define ACCESS_LFU_INITIAL 5 /* the counter of a new key */

/* Whether the policy in force counts frequencies. */
bool access_is_lfu(const struct settings *settings);
/* The bits of an entry just made. */
uint32_t access_new(const struct settings *settings, int64_t now_ms);
/* The bits of an entry just used. `random` decides whether a counter grows. */
uint32_t access_touched(const struct settings *settings, uint32_t bits, int64_t now_ms, uint32_t random);
/* The bits of an entry last used that long ago (LRU), or that often (LFU). */
uint32_t access_idle(int64_t now_ms, int64_t idle_s);
uint32_t access_frequent(int64_t now_ms, unsigned frequency);
/* OBJECT IDLETIME, seconds. */
int64_t access_idle_s(uint32_t bits, int64_t now_ms);
/* OBJECT FREQ: the counter, decayed until now. */
unsigned access_frequency(const struct settings *settings, uint32_t bits, int64_t now_ms);

#endif
