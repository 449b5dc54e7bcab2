/* heap/classes.h - which cell a block of so many bytes gets.
 * Model:    8-byte steps up to 512; above, a span is cut into n equal cells, n one less from class
 *           to class: steps of 1/33 to 1/128, and no tail is left. Spans are 64 KiB for cells
 *           up to 2 KiB, and twice that for each doubling of the cell, 2 MiB at the most.
 * Owner:    the table is made once for a heap and never changes.
 * Pointers: none kept.
 * Threads:  read only.
 * Failure:  none.
 * Cost:     a table access up to 1 KiB, one division above. */
#ifndef HEAP_CLASSES_H
#define HEAP_CLASSES_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum {
    CLASSES_MAX = 352,
    CLASSES_SMALL_MAX = 1024, /* bytes; looked up by table */
    SPAN_ORDER_MAX = 5,       /* a span is 64 KiB << order */
    SPAN_SHIFT = 16,
    MAP_INLINE_OVER = 64, /* spans with more cells keep their map at their start */
};

struct size_class {
    uint32_t cell_bytes;
    uint32_t capacity;   /* cells in a span */
    uint32_t first_at;   /* offset of cell 0: the map's bytes, or 0 */
    uint32_t reciprocal; /* ceil(2^32 / cell_bytes): exact for multiples of cell_bytes */
    uint32_t order;
};

struct size_classes {
    unsigned count;
    struct size_class of[CLASSES_MAX];
    uint16_t by_eighth[CLASSES_SMALL_MAX / 8 + 1]; /* by (bytes + 7) / 8 */
    uint16_t order_first[SPAN_ORDER_MAX + 1];      /* the class with 64 cells of each order */
};

void size_classes_init(struct size_classes *classes);

/* pre: 0 < bytes <= HEAP_CELL_MAX */
static inline unsigned size_class_of(const struct size_classes *classes, size_t bytes)
{
    if (LIKELY(bytes <= CLASSES_SMALL_MAX))
        return classes->by_eighth[(bytes + 7) / 8];
    uint32_t eighths = (uint32_t)((bytes + 7) & ~(size_t)7);
    unsigned order = (unsigned)(31 - __builtin_clz(eighths)) - 10;
    if (order > SPAN_ORDER_MAX)
        order = SPAN_ORDER_MAX;
    uint32_t cells = (uint32_t)((1u << (SPAN_SHIFT + order)) / eighths);
    return classes->order_first[order] + (64u - cells);
}

#endif
