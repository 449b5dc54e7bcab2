#include "observe/memory_now.h"

#include "base/memory.h"
#include "os/process.h"

/* What is counted as it goes. */
static uint64_t counted(const struct observer *observer, struct heap_figures *heap)
{
    heap_figures(store_heap(observer->store), heap);
    return heap->committed + store_all_index_bytes(observer->store) + memory_held();
}

void memory_now(const struct observer *observer, struct memory_now *now)
{
    struct heap_figures heap;
    int64_t held = (int64_t)counted(observer, &heap) + observer->beside_bytes;
    *now = (struct memory_now){ .held = held > 0 ? (uint64_t)held : 0,
                                .holes = heap.active - heap.allocated,
                                .spare = heap.free_spans,
                                .not_counted = observer->not_counted_bytes };
}

void memory_now_sample(struct observer *observer)
{
    struct heap_figures heap;
    uint64_t resident = process_resident();
    observer->resident_bytes = resident;
    observer->beside_bytes =
        resident == 0 ? 0 : (int64_t)resident - (int64_t)counted(observer, &heap);
}
