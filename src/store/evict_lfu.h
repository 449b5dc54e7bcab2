/* store/evict_lfu.h - which keys go under LFU, for store/evict.c.
 * Model:    keys go in the order of their counters, but two kinds are worth less than theirs: new
 *           ones, whose counter was given to them, and idle ones, who were not used since they were
 *           last looked at. Which of the two goes before the other is learned from which is used
 *           more.
 * Owner:    the evictor.
 * Pointers: none kept.
 * Threads:  the executing thread.
 * Failure:  none.
 * Cost:     none but a few sums for each key that is looked at. */
#ifndef STORE_EVICT_LFU_H
#define STORE_EVICT_LFU_H

#include "store/evict.h"

/* The greater, the sooner it goes. */
uint64_t lfu_score(const struct evictor *evictor, const struct entry *entry);
/* A key is seen in a sample. From here on it is idle until it is used. */
void lfu_look(struct evictor *evictor, struct entry *entry);
/* True: scores are others from now on. */
MUST_CHECK bool lfu_learn(struct evictor *evictor);

#endif
