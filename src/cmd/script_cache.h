/* cmd/script_cache.h - loaded scripts by the SHA-1 of their text.
 * Model:    a hash of chains that doubles, and a list by age. Scripts that came with EVAL give way,
 *           the longest unused first, when there are too many; those of SCRIPT LOAD stay. A flush
 *           takes all at once out of sight, and they are freed bit by bit.
 * Owner:    cmd/scripting.
 * Pointers: a script is good until another is added, or the flush.
 * Threads:  the executing thread.
 * Failure:  NULL when memory fails.
 * Cost:     O(1) on average. */
#ifndef CMD_SCRIPT_CACHE_H
#define CMD_SCRIPT_CACHE_H

#include "base/bytes.h"
#include "base/err.h"
#include "script/engine.h"

enum { SCRIPT_SHA_BYTES = 40, SCRIPT_EVALS_MAX = 500 };

struct cached_script {
    struct cached_script *next;          /* in its chain */
    struct cached_script *older, *newer; /* of those that give way, or of those that stay */
    char sha[SCRIPT_SHA_BYTES];          /* lower case */
    int function;                        /* of the engine */
    uint32_t flags;                      /* enum script_flags */
    bool stays;                          /* it came with SCRIPT LOAD */
};

struct script_list {
    struct cached_script *oldest, *newest;
    uint32_t count;
};

struct script_cache {
    struct cached_script **chains; /* a power of two of them */
    uint32_t chain_count;
    struct script_list staying, evals;
    struct cached_script *doomed; /* flushed, and not yet freed; linked by newer */
};

/* 40 digits in lower case. */
void script_sha(struct bytes text, char sha[SCRIPT_SHA_BYTES]);

/* `sha`: 40 characters of any case; anything else is not found. */
struct cached_script *script_cache_find(const struct script_cache *cache, struct bytes sha);
/* Takes the function over. pre: it is not there. */
MUST_CHECK struct cached_script *script_cache_add(struct script_cache *cache,
                                                  struct script_engine *engine,
                                                  const char sha[SCRIPT_SHA_BYTES], int function,
                                                  uint32_t flags);
/* It was used; `stays`: by SCRIPT LOAD. */
void script_cache_use(struct script_cache *cache, struct cached_script *script, bool stays);
static inline uint32_t script_cache_count(const struct script_cache *cache)
{
    return cache->staying.count + cache->evals.count;
}
uint64_t script_cache_bytes(const struct script_cache *cache);

void script_cache_flush(struct script_cache *cache);
/* Frees up to `most` of what was flushed; false: there is nothing left. */
bool script_cache_free_some(struct script_cache *cache, struct script_engine *engine,
                            uint32_t most);
/* All memory; functions go with their engine. */
void script_cache_release(struct script_cache *cache);

#endif
