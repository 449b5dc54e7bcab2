#include "cmd/script_cache.h"

#include "base/hash.h"
#include "base/memory.h"

#include <ctype.h>

enum { CHAINS_LEAST = 64 };

void script_sha(struct bytes text, char sha[SCRIPT_SHA_BYTES])
{
    struct sha1 sha1;
    uint8_t digest[SHA1_BYTES];
    sha1_init(&sha1);
    sha1_add(&sha1, text);
    sha1_end(&sha1, digest);
    for (size_t i = 0; i < SHA1_BYTES; i++) {
        sha[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        sha[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
}

/* --- chains ----------------------------------------------------------------------------------- */

/* A digest is as good a hash as any: eight of its digits. */
static uint32_t hash_of(const char sha[SCRIPT_SHA_BYTES])
{
    uint32_t hash = 0;
    for (size_t i = 0; i < 8; i++)
        hash = hash << 4 | (uint32_t)(sha[i] <= '9' ? sha[i] - '0' : sha[i] - 'a' + 10);
    return hash;
}

static struct cached_script **chain_of(const struct script_cache *cache, const char *sha)
{
    return &cache->chains[hash_of(sha) & (cache->chain_count - 1)];
}

/* More chains when there are as many scripts as those; the old ones do where memory fails. */
static bool grow(struct script_cache *cache)
{
    uint32_t count = cache->chain_count == 0 ? CHAINS_LEAST : 2 * cache->chain_count;
    if (script_cache_count(cache) < cache->chain_count)
        return true;
    struct cached_script **old = cache->chains;
    struct cached_script **chains = memory_take_zeroed(count * sizeof(*chains));
    if (chains == NULL)
        return old != NULL;
    uint32_t old_count = cache->chain_count;
    cache->chains = chains;
    cache->chain_count = count;
    for (uint32_t i = 0; i < old_count; i++) {
        for (struct cached_script *script = old[i], *next; script != NULL; script = next) {
            struct cached_script **chain = chain_of(cache, script->sha);
            next = script->next;
            script->next = *chain;
            *chain = script;
        }
    }
    memory_give(old);
    return true;
}

static void leave_chain(struct script_cache *cache, const struct cached_script *script)
{
    struct cached_script **at = chain_of(cache, script->sha);
    while (*at != script)
        at = &(*at)->next;
    *at = script->next;
}

struct cached_script *script_cache_find(const struct script_cache *cache, struct bytes sha)
{
    char lower[SCRIPT_SHA_BYTES];
    if (sha.count != SCRIPT_SHA_BYTES || cache->chain_count == 0)
        return NULL;
    for (size_t i = 0; i < SCRIPT_SHA_BYTES; i++) {
        if (!isxdigit(sha.at[i]))
            return NULL;
        lower[i] = (char)tolower(sha.at[i]);
    }
    for (struct cached_script *script = *chain_of(cache, lower); script != NULL;
         script = script->next) {
        if (memcmp(script->sha, lower, SCRIPT_SHA_BYTES) == 0)
            return script;
    }
    return NULL;
}

/* --- lists ------------------------------------------------------------------------------------ */

static void join_list(struct script_list *list, struct cached_script *script)
{
    script->older = list->newest;
    script->newer = NULL;
    if (list->newest == NULL)
        list->oldest = script;
    else
        list->newest->newer = script;
    list->newest = script;
    list->count++;
}

static void leave_list(struct script_list *list, struct cached_script *script)
{
    if (script->older == NULL)
        list->oldest = script->newer;
    else
        script->older->newer = script->newer;
    if (script->newer == NULL)
        list->newest = script->older;
    else
        script->newer->older = script->older;
    list->count--;
}

static struct script_list *list_of(struct script_cache *cache, const struct cached_script *script)
{
    return script->stays ? &cache->staying : &cache->evals;
}

void script_cache_use(struct script_cache *cache, struct cached_script *script, bool stays)
{
    if (script->stays || (!stays && cache->evals.newest == script))
        return;
    leave_list(&cache->evals, script);
    script->stays = stays;
    join_list(list_of(cache, script), script);
}

static void give_way(struct script_cache *cache, struct script_engine *engine)
{
    struct cached_script *script = cache->evals.oldest;
    leave_list(&cache->evals, script);
    leave_chain(cache, script);
    script_forget(engine, script->function);
    memory_give(script);
}

struct cached_script *script_cache_add(struct script_cache *cache, struct script_engine *engine,
                                       const char sha[SCRIPT_SHA_BYTES], int function,
                                       uint32_t flags)
{
    struct cached_script *script = memory_take_zeroed(sizeof *script);
    if (script == NULL || !grow(cache)) {
        memory_give(script);
        return NULL;
    }
    if (cache->evals.count >= SCRIPT_EVALS_MAX)
        give_way(cache, engine);
    memcpy(script->sha, sha, SCRIPT_SHA_BYTES);
    script->function = function;
    script->flags = flags;
    struct cached_script **chain = chain_of(cache, script->sha);
    script->next = *chain;
    *chain = script;
    join_list(&cache->evals, script);
    return script;
}

uint64_t script_cache_bytes(const struct script_cache *cache)
{
    return (uint64_t)script_cache_count(cache) * sizeof(struct cached_script) +
           (uint64_t)cache->chain_count * sizeof(struct cached_script *);
}

/* --- flushing --------------------------------------------------------------------------------- */

static void doom(struct script_cache *cache, struct script_list *list)
{
    if (list->oldest == NULL)
        return;
    list->newest->newer = cache->doomed;
    cache->doomed = list->oldest;
    *list = (struct script_list){ 0 };
}

void script_cache_flush(struct script_cache *cache)
{
    doom(cache, &cache->staying);
    doom(cache, &cache->evals);
    memory_give(cache->chains);
    cache->chains = NULL;
    cache->chain_count = 0;
}

bool script_cache_free_some(struct script_cache *cache, struct script_engine *engine, uint32_t most)
{
    for (; most > 0 && cache->doomed != NULL; most--) {
        struct cached_script *script = cache->doomed;
        cache->doomed = script->newer;
        script_forget(engine, script->function);
        memory_give(script);
    }
    return cache->doomed != NULL;
}

void script_cache_release(struct script_cache *cache)
{
    script_cache_flush(cache);
    while (cache->doomed != NULL) {
        struct cached_script *script = cache->doomed;
        cache->doomed = script->newer;
        memory_give(script);
    }
}
