/* info_memory.c: the section of INFO about memory (info.h).
 *
 * Terms: what Redis's allocator is for Redis, the heap is here: *allocated* are blocks that belong to data, *active* the pages
 * that hold any, *resident* what of the mapped heap is in memory now.
 */
#include "app/info.h"

#include <stdio.h>
#include <unistd.h>

#define LLU(value) ((unsigned long long)(value))

struct resident {
    uint64_t bytes;
    uint64_t mapped; /* of files and shared memory: the heap, and programs */
};

static struct resident resident_now(void)
{
    unsigned long long pages = 0, mapped = 0;
    uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file) return (struct resident){0};
    if (fscanf(file, "%*u %llu %llu", &pages, &mapped) != 2) pages = mapped = 0;
    fclose(file);
    return (struct resident){pages * page_bytes, mapped * page_bytes};
}

static void human_bytes(uint64_t bytes, char text[32])
{
    static const char units[] = "KMGTPE";
    if (bytes < 1024) {
        snprintf(text, 32, "%lluB", LLU(bytes));
        return;
    }
    double amount = (double)bytes / 1024;
    size_t unit = 0;
    for (; amount >= 1024 && unit + 2 < sizeof units; unit++)
        amount /= 1024;
    snprintf(text, 32, "%.2f%c", amount, units[unit]);
}

static void put_bytes(struct resp_out *out, const char *name, uint64_t bytes)
{
    char human[32];
    human_bytes(bytes, human);
    info_put(out, "%s:%llu\r\n%s_human:%s\r\n", name, LLU(bytes), name, human);
}

/* By how much `more` is above `bytes`. */
static void put_ratio(struct resp_out *out, const char *name, uint64_t more, uint64_t bytes)
{
    info_put(out, "%s_ratio:%.2f\r\n%s_bytes:%lld\r\n", name, bytes ? (double)more / (double)bytes : 0, name,
             (long long)more - (long long)bytes);
}

static uint64_t note_peak(struct app *app, uint64_t used)
{
    uint64_t peak = atomic_load(&app->peak_bytes);
    while (peak < used && !atomic_compare_exchange_weak(&app->peak_bytes, &peak, used))
        ;
    return peak < used ? used : peak;
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? (double)part * 100 / (double)whole : 0;
}

static void write_used(struct app *app, const struct heap_stats *heap, const struct resident *resident,
                       struct resp_out *out)
{
    uint64_t peak = note_peak(app, heap->used_bytes);
    put_bytes(out, "used_memory", heap->used_bytes);
    put_bytes(out, "used_memory_rss", resident->bytes);
    put_bytes(out, "used_memory_peak", peak);
    info_put(out, "used_memory_peak_perc:%.2f%%\r\n", percent(heap->used_bytes, peak));
    info_put(out,
             "used_memory_overhead:%llu\r\nused_memory_startup:0\r\nused_memory_dataset:%llu\r\n"
             "used_memory_dataset_perc:%.2f%%\r\n",
             LLU(heap->metadata_bytes), LLU(heap->used_bytes), percent(heap->used_bytes, heap->used_bytes));
}

static void write_allocator(const struct heap_stats *heap, const struct resident *resident,
                            struct resp_out *out)
{
    uint64_t active = heap->file_bytes > heap->free_page_bytes ? heap->file_bytes - heap->free_page_bytes : 0;
    info_put(out, "allocator_allocated:%llu\r\nallocator_active:%llu\r\nallocator_resident:%llu\r\n",
             LLU(heap->used_bytes), LLU(active), LLU(resident->mapped));
    put_ratio(out, "allocator_frag", active, heap->used_bytes);
    put_ratio(out, "allocator_rss", resident->mapped, active);
    put_ratio(out, "rss_overhead", resident->bytes, resident->mapped);
    info_put(out, "mem_fragmentation_ratio:%.2f\r\nmem_fragmentation_bytes:%lld\r\n",
             heap->used_bytes ? (double)resident->bytes / (double)heap->used_bytes : 0,
             (long long)resident->bytes - (long long)heap->used_bytes);
}

/* There are no scripts and no functions that could use any. */
static void write_scripts(struct resp_out *out)
{
    info_put(out, "used_memory_vm_eval:0\r\n");
    put_bytes(out, "used_memory_lua", 0);
    info_put(out, "used_memory_scripts_eval:0\r\nnumber_of_cached_scripts:0\r\nnumber_of_functions:0\r\n"
                  "number_of_libraries:0\r\nused_memory_vm_functions:0\r\n");
    put_bytes(out, "used_memory_vm_total", 0);
    info_put(out, "used_memory_functions:0\r\n");
    put_bytes(out, "used_memory_scripts", 0);
}

void info_write_memory(struct app *app, struct resp_out *out)
{
    struct heap_stats heap;
    struct client_pool_stats clients;
    struct resident resident = resident_now();
    heap_stats(app->heap, &heap);
    client_pool_stats(app->pool, &clients);
    write_used(app, &heap, &resident, out);
    put_bytes(out, "total_system_memory",
              (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE));
    write_scripts(out);
    put_bytes(out, "maxmemory", atomic_load(&app->settings.maxmemory_bytes));
    info_put(out, "maxmemory_policy:%s\r\n", config_text(app->config, "maxmemory-policy"));
    write_allocator(&heap, &resident, out);
    info_put(out,
             "mem_clients_slaves:0\r\nmem_clients_normal:%llu\r\nmem_cluster_links:0\r\nmem_aof_buffer:0\r\n"
             "mem_replication_backlog:0\r\nmem_total_replication_buffers:0\r\nmem_allocator:cairn-heap\r\n"
             "mem_not_counted_for_evict:0\r\nactive_defrag_running:0\r\nlazyfree_pending_objects:%llu\r\n"
             "lazyfreed_objects:%llu\r\n",
             LLU(clients.memory_bytes), LLU(keyspace_reclaim_pending(app->keyspace)),
             LLU(keyspace_reclaimed(app->keyspace)));
    info_put(out,
             "heap_file_bytes:%llu\r\nheap_limit_bytes:%llu\r\nheap_metadata_bytes:%llu\r\nheap_free_bytes:%"
             "llu\r\n"
             "heap_cached_bytes:%llu\r\n",
             LLU(heap.file_bytes), LLU(heap.limit_bytes), LLU(heap.metadata_bytes), LLU(heap.free_page_bytes),
             LLU(heap.cached_bytes));
}
