/* load/random.h - random numbers, and keys picked by them.
 * Model:    a seed gives the same numbers for ever; a picker draws key numbers in [0, range).
 * Owner:    the caller; picker_release returns the table of a Zipf picker.
 * Pointers: none.
 * Threads:  one for each state.
 * Failure:  picker_init is false when memory for the table lacks.
 * Cost:     1 to 2 ns a number; a Zipf draw reads 4 bytes of a 4 MB table in order. */
#ifndef LOAD_RANDOM_H
#define LOAD_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/* SplitMix64's finisher: a good hash of one 64-bit number. */
static inline uint64_t mix64(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
    uint64_t x = random->state;
    random->state = x + 0x9e3779b97f4a7c15u;
    return mix64(x);
}

/* Uniform in [0, bound); the bias of 2^-32 is of no matter here. pre: 0 < bound <= 2^32. */
static inline uint64_t random_below(struct random *random, uint64_t bound)
{
    return ((random_next(random) >> 32) * bound) >> 32;
}

enum order {
    ORDER_SEQUENTIAL,
    ORDER_UNIFORM,
    ORDER_ZIPF,
};

struct picker {
    enum order order;
    uint64_t range;
    uint64_t cursor; /* of ORDER_SEQUENTIAL: the next number; of ORDER_ZIPF: a place in the table */
    uint32_t *table; /* of ORDER_ZIPF: draws made beforehand, since a draw costs a pow() */
    struct random random;
};

bool picker_init(struct picker *picker, enum order order, uint64_t range, uint64_t seed,
                 double zipf_exponent);
void picker_release(struct picker *picker);
uint64_t picker_next_zipf(struct picker *picker);

static inline uint64_t picker_next(struct picker *picker)
{
    switch (picker->order) {
    case ORDER_UNIFORM:
        return random_below(&picker->random, picker->range);
    case ORDER_ZIPF:
        return picker_next_zipf(picker);
    case ORDER_SEQUENTIAL:
        break;
    }
    uint64_t number = picker->cursor++;
    if (picker->cursor == picker->range) {
        picker->cursor = 0;
    }
    return number;
}

#endif
