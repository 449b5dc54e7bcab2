/* store/touched.h - which keys are touched, for tests: what a command looks at and changes must be
 * among the keys that it declares.
 * Model:    while it is on, every key is kept that is looked for, changed, or shown by a walk over
 *           a database, as often as it happens, in that order.
 * Owner:    the store.
 * Pointers: a key that is shown is good for the call.
 * Threads:  the executing thread.
 * Failure:  start says false when memory fails; what finds no room later is lost, and said to be.
 * Cost:     one test of a pointer for each look while it is off. */
#ifndef STORE_TOUCHED_H
#define STORE_TOUCHED_H

#include "store/store.h"

enum touch {
    TOUCH_LOOKED,
    TOUCH_CHANGED,
    TOUCH_GONE,   /* it expired, or elements of it: who came across it did not ask for that */
    TOUCH_WALKED, /* shown by a walk over all keys, or drawn from all */
};

/* It goes on when it is on. */
MUST_CHECK bool touched_start(struct store *store);
void touched_stop(struct store *store);
bool touched_is_on(const struct store *store);
/* How many were kept since the last touched_forget. */
uint64_t touched_count(const struct store *store);
bool touched_lost(const struct store *store);
void touched_each(const struct store *store,
                  void (*visit)(void *context, enum touch touch, unsigned db, struct bytes key),
                  void *context);
void touched_forget(struct store *store);

#endif
