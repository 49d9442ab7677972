/* chooser.c: see chooser.h. */
#include "support/chooser.h"

#include "util/assert.h"

uint64_t chooser_random(uint64_t *seed)
{
    *seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *seed;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static unsigned choose_at_random(struct chooser *chooser, unsigned n)
{
    uint64_t dice = chooser_random(&chooser->seed);
    if (chooser->mixed && (dice >> 48 & 15) == 0)
        chooser->bias = (enum chooser_bias)((dice >> 52) % CHOOSER_BIASES);
    bool leans = (dice >> 32 & 7) != 0;
    if (chooser->bias == CHOOSER_OLD || (chooser->bias == CHOOSER_MOSTLY_OLD && leans)) return 0;
    if (chooser->bias == CHOOSER_NEW || (chooser->bias == CHOOSER_MOSTLY_NEW && leans)) return n - 1;
    return (unsigned)(dice % n);
}

unsigned chooser_choose(void *arg, unsigned n)
{
    struct chooser *chooser = arg;
    if (chooser->random) return choose_at_random(chooser, n);
    ASSERT(chooser->at < CHOOSER_MAX);
    if (chooser->at == chooser->count) chooser->digit[chooser->count++] = 0;
    chooser->base[chooser->at] = n;
    return chooser->digit[chooser->at++];
}

bool chooser_next(struct chooser *chooser)
{
    chooser->count = chooser->at;
    chooser->at = 0;
    while (chooser->count > 0) {
        unsigned last = chooser->count - 1;
        if (++chooser->digit[last] < chooser->base[last]) return true;
        chooser->count--;
    }
    return false;
}
