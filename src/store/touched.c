#include "store/touched.h"

#include "base/memory.h"
#include "store/inside.h"

#include <string.h>

enum { KEPT_BYTES_MAX = 64 * 1024 * 1024 };

struct touch_head {
    uint32_t touch, db;
    uint64_t key_bytes;
};

struct touched {
    struct buffer kept; /* heads, each with its key behind it */
    uint64_t count;
    bool lost; /* no memory, or too many */
};

bool touched_start(struct store *store)
{
    if (store->touched == NULL)
        store->touched = memory_take_zeroed(sizeof *store->touched);
    return store->touched != NULL;
}

void touched_stop(struct store *store)
{
    if (store->touched == NULL)
        return;
    buffer_release(&store->touched->kept);
    memory_give(store->touched);
    store->touched = NULL;
}

bool touched_is_on(const struct store *store)
{
    return store->touched != NULL;
}

void touched_keep(const struct store *store, enum touch touch, unsigned db, struct bytes key)
{
    struct touched *touched = store->touched;
    struct touch_head head = { touch, db, key.count };
    size_t before = touched->kept.count;
    if (!touched->lost && before + sizeof head + key.count <= KEPT_BYTES_MAX &&
        buffer_append(&touched->kept, bytes_of(&head, sizeof head)) &&
        buffer_append(&touched->kept, key)) {
        touched->count++;
        return;
    }
    touched->lost = true;
    touched->kept.count = before;
}

uint64_t touched_count(const struct store *store)
{
    return store->touched->count;
}

bool touched_lost(const struct store *store)
{
    return store->touched->lost;
}

void touched_each(const struct store *store,
                  void (*visit)(void *context, enum touch touch, unsigned db, struct bytes key),
                  void *context)
{
    const uint8_t *at = store->touched->kept.at;
    for (uint64_t i = 0; i < store->touched->count; i++) {
        struct touch_head head;
        memcpy(&head, at, sizeof head);
        at += sizeof head;
        visit(context, (enum touch)head.touch, head.db, bytes_of(at, head.key_bytes));
        at += head.key_bytes;
    }
}

void touched_forget(struct store *store)
{
    buffer_release(&store->touched->kept);
    store->touched->count = 0;
    store->touched->lost = false;
}
