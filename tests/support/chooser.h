/* chooser.h: what a power cut leaves, chosen: one after the other all disks that there are, or some at random (lying_disk.h).
 */
#ifndef CAIRN_TESTS_CHOOSER_H
#define CAIRN_TESTS_CHOOSER_H

#include <stdbool.h>
#include <stdint.h>

#define CHOOSER_MAX 1024 /* choices that all of them together may take */

/* Of random ones; what it leans to may change on the way (`mixed`), as a disk is done with one file and not with another. */
enum chooser_bias {
    CHOOSER_EVEN,
    CHOOSER_MOSTLY_OLD,
    CHOOSER_MOSTLY_NEW,
    CHOOSER_OLD,
    CHOOSER_NEW,
    CHOOSER_BIASES,
};

struct chooser {
    bool random;
    bool mixed;
    uint64_t seed;
    enum chooser_bias bias;
    unsigned at;
    unsigned count;
    unsigned digit[CHOOSER_MAX];
    unsigned base[CHOOSER_MAX];
};

uint64_t chooser_random(uint64_t *seed);
/* For lying_disk_cut: `arg` is the chooser; picks one of n, of which 0 is the oldest. */
unsigned chooser_choose(void *arg, unsigned n);
/* After a cut: makes the next one another; false when all were tried. Not for random ones. */
bool chooser_next(struct chooser *chooser);

#endif
