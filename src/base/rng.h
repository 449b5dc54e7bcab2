/* base/rng.h - random numbers from a seed (xoshiro256**), not for secrets.
 * Model:    a small state; the same seed gives the same numbers.
 * Owner:    the caller.
 * Pointers: none.
 * Threads:  one for each state.
 * Failure:  none.
 * Cost:     about 1 ns. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

void rng_init(struct rng *rng, uint64_t seed);
uint64_t rng_next(struct rng *rng);
/* Uniform in [0, bound), without bias. pre: bound > 0. */
uint64_t rng_below(struct rng *rng, uint64_t bound);

#endif
