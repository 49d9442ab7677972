/* stones.c: a cairn of stones that outlasts its builders.
 *
 *     stones FILE [WORD ...]
 *
 * Prints the stones that earlier runs left in FILE, the newest first, then lays one more for each WORD: a
 * linked list in a persistent heap. Run it twice; kill it in between if you like.
 */
#include "heap/heap.h"

#include <stdio.h>
#include <string.h>

#define ROOT_TOP 0

/* Persistent: fixed width, and offsets instead of pointers. */
struct stone_layout {
    struct heap_off below;
    uint32_t len;
    char word[];
};

static void print_stones(const struct heap *heap)
{
    struct heap_off off = heap_root(heap, ROOT_TOP);
    while (heap_off_get(off) != 0) {
        const struct stone_layout *stone = heap_ptr(heap, heap_off_get(off));
        printf("%.*s\n", (int)stone->len, stone->word);
        off = stone->below;
    }
}

/* All of it is there after the commit, and nothing of it before. */
static enum error lay_stone(struct tx *tx, const char *word)
{
    struct heap *heap = heap_of(tx);
    struct stone_layout head = {.below = heap_root(heap, ROOT_TOP), .len = (uint32_t)strlen(word)};
    uint64_t off;
    tx_begin(tx);
    enum error error = heap_alloc(tx, sizeof(head) + head.len, &off);
    if (!error) {
        struct stone_layout *stone = heap_ptr(heap, off);
        tx_write(tx, stone, &head, sizeof(head));
        tx_write(tx, stone->word, word, head.len);
        error = heap_root_set(tx, ROOT_TOP, heap_off_make(off, 0));
    }
    if (error) tx_abort(tx);
    else tx_commit(tx);
    return error;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE [WORD ...]\n", argv[0]);
        return 2;
    }
    struct heap *heap;
    struct heap_report report;
    enum error error = heap_open(&(struct heap_options){.path = argv[1]}, &heap, &report);
    if (error) {
        fprintf(stderr, "%s: %s\n", error_text(error), report.detail);
        return 1;
    }
    print_stones(heap);

    struct heap_thread *thread;
    error = heap_thread_open(heap, &thread);
    if (!error) {
        for (int i = 2; i < argc && !error; i++)
            error = lay_stone(heap_thread_tx(thread), argv[i]);
        heap_thread_close(thread);
    }
    enum error close_error = heap_close(heap);
    if (!error) error = close_error;
    if (error) fprintf(stderr, "%s\n", error_text(error));
    return error ? 1 : 0;
}
