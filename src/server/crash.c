/* What the crash report adds: who was served, and what was kept. */
#include "server/server.h"

#include <stdio.h>

void server_crash_add(void *context, int file)
{
    struct server *server = context;
    struct store_figures store;
    struct heap_figures heap;
    if (server->store == NULL)
        return;
    store_figures(server->store, &store);
    heap_figures(store_heap(server->store), &heap);
    dprintf(file, "\n------ STATE ------\n");
    dprintf(file, "heap: blocks=%llu allocated=%llu active=%llu moved=%llu missed=%llu\n",
            (unsigned long long)heap.blocks, (unsigned long long)heap.allocated,
            (unsigned long long)heap.active, (unsigned long long)heap.moved_blocks,
            (unsigned long long)heap.missed_blocks);
    dprintf(file, "store: index_bytes=%llu expired=%llu dirty=%llu\n",
            (unsigned long long)store.index_bytes, (unsigned long long)store.expired,
            (unsigned long long)store.dirty);
    dprintf(file, "clients: %u\n", net_clients(server->net));
}
