#include "heap/classes.h"

#include "heap/heap.h"

#include <string.h>

static uint32_t map_bytes(uint32_t cells)
{
    return cells > MAP_INLINE_OVER ? (cells + 63) / 64 * 8 : 0;
}

/* The most cells of `cell_bytes` that fit a span beside their map. */
static uint32_t cells_in(uint32_t span_bytes, uint32_t cell_bytes)
{
    uint32_t cells = span_bytes / cell_bytes;
    while (map_bytes(cells) + cells * cell_bytes > span_bytes)
        cells--;
    return cells;
}

static void add_class(struct size_classes *classes, uint32_t cell_bytes, unsigned order)
{
    uint32_t cells = cells_in((uint32_t)HEAP_SPAN_BYTES << order, cell_bytes);
    ENSURE(classes->count < CLASSES_MAX);
    classes->of[classes->count++] = (struct size_class){
        .cell_bytes = cell_bytes,
        .capacity = cells,
        .first_at = map_bytes(cells),
        .reciprocal = (uint32_t)((((uint64_t)1 << 32) + cell_bytes - 1) / cell_bytes),
        .order = order,
    };
}

static uint32_t largest_cell(const struct size_classes *classes)
{
    return classes->of[classes->count - 1].cell_bytes;
}

/* Cells of an n-th of a span that has a map of up to 128 bits at its start. */
static void add_classes_to_1k(struct size_classes *classes)
{
    for (uint32_t n = 127; n > MAP_INLINE_OVER; n--) {
        uint32_t cell = (HEAP_SPAN_BYTES - map_bytes(n)) / n & ~7u;
        if (cell > largest_cell(classes))
            add_class(classes, cell, 0);
    }
}

static void fill_small_table(struct size_classes *classes)
{
    unsigned at = 0;
    for (unsigned eighth = 0; eighth <= CLASSES_SMALL_MAX / 8; eighth++) {
        while (classes->of[at].cell_bytes < eighth * 8)
            at++;
        classes->by_eighth[eighth] = (uint16_t)at;
    }
}

void size_classes_init(struct size_classes *classes)
{
    memset(classes, 0, sizeof *classes);
    for (uint32_t cell = 8; cell <= 512; cell += 8)
        add_class(classes, cell, 0);
    add_classes_to_1k(classes);
    for (unsigned order = 0; order <= SPAN_ORDER_MAX; order++) {
        classes->order_first[order] = (uint16_t)classes->count;
        for (uint32_t n = 64; n > 32; n--)
            add_class(classes, ((uint32_t)HEAP_SPAN_BYTES << order) / n & ~7u, order);
    }
    add_class(classes, HEAP_CELL_MAX, SPAN_ORDER_MAX);
    fill_small_table(classes);
}
