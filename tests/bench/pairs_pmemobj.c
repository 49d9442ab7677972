/* pairs_pmemobj.c: pairs with libpmemobj, each one transaction. Set PMEM_IS_PMEM_FORCE=1 on tmpfs. */
#include "pairs.h"

#include "target.h"

#include <libpmemobj.h>

#define POOL_BYTES  (UINT64_C(1) << 30)
#define THREADS_MAX 16

struct root {
    PMEMoid slots[THREADS_MAX][PAIRS_SLOTS];
};

static PMEMobjpool *pool;
static struct root *root;

static void open_pool(const char *path)
{
    pool = pmemobj_create(path, "cairn-bench", POOL_BYTES, 0600);
    if (!pool) target_fail("libpmemobj: %s", pmemobj_errormsg());
    root = pmemobj_direct(pmemobj_root(pool, sizeof(*root)));
}

static void *thread_open(unsigned index)
{
    return root->slots[index];
}

static void pair(void *thread, unsigned slot, size_t size_bytes)
{
    PMEMoid *place = (PMEMoid *)thread + slot;
    if (pmemobj_tx_begin(pool, NULL, TX_PARAM_NONE) != 0) target_fail("libpmemobj: %s", pmemobj_errormsg());
    PMEMoid block = pmemobj_tx_alloc(size_bytes, 0); /* a failure aborts: seen below */
    if (OID_IS_NULL(block)) target_fail("libpmemobj: %s", pmemobj_errormsg());
    *(uint64_t *)pmemobj_direct(block) = size_bytes;
    if (pmemobj_tx_add_range_direct(place, sizeof(*place)) != 0 || pmemobj_tx_free(*place) != 0)
        target_fail("libpmemobj: %s", pmemobj_errormsg());
    *place = block;
    pmemobj_tx_commit();
    if (pmemobj_tx_end() != 0) target_fail("libpmemobj: %s", pmemobj_errormsg());
}

static void thread_close(void *thread)
{
    (void)thread;
}

static void close_pool(void)
{
    pmemobj_close(pool);
}

const struct pairs_allocator pairs_pmemobj = {
    "pmemobj", open_pool, thread_open, pair, thread_close, close_pool,
};
