#include "observe/observer.h"

#include "base/memory.h"
#include "observe/memory_now.h"
#include "observe/memory_report.h"

static uint64_t used_now(const struct observer *observer)
{
    struct store_figures store;
    struct memory_figures figures;
    store_figures(observer->store, &store);
    memory_figures(&figures);
    return store.value_bytes + store.index_bytes + figures.allocated;
}

static void draw_id(const struct seam *seam, char id[41])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t random[40];
    seam->random(seam->context, random, sizeof random);
    for (unsigned at = 0; at < 40; at++)
        id[at] = digits[random[at] & 15];
    id[40] = 0;
}

void observer_change_replid(struct observer *observer)
{
    draw_id(observer->seam, observer->replid);
}

struct observer *observer_new(const struct seam *seam, struct store *store,
                              const struct defrag *defrag, struct net *net,
                              const struct config *config)
{
    struct observer *observer = memory_take_zeroed(sizeof *observer);
    if (observer == NULL)
        return NULL;
    observer->seam = seam;
    observer->store = store;
    observer->defrag = defrag;
    observer->net = net;
    observer->config = config;
    observer->start_ns = seam_now_ns(seam);
    observer->start_wall_us = seam_wall_us(seam);
    draw_id(seam, observer->run_id);
    observer_change_replid(observer);
    observer_sample(observer);
    observer->startup_used = observer->peak_used;
    memory_report_start(observer);
    return observer;
}

void observer_drop(struct observer *observer)
{
    memory_give(observer);
}

static void count_others(struct observer *observer)
{
    struct memory_others others = { 0 };
    if (observer->others != NULL)
        observer->others(observer->others_context, &others);
    observer->not_counted_bytes = others.replication + others.log_buffers;
}

void observer_sample(struct observer *observer)
{
    uint64_t used = used_now(observer);
    observer->used_bytes = used;
    memory_now_sample(observer);
    count_others(observer);
    if (used <= observer->peak_used)
        return;
    observer->peak_used = used;
    observer->peak_wall_ms = seam_wall_ms(observer->seam);
}

void observer_reset(struct observer *observer)
{
    observer->expire_ns = observer->expire_cut_short = 0;
    observer->slices = (struct slice_histogram){ .count = 0 };
}
