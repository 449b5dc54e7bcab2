/* OpenSSL's memory, through ours. */
#include "base/memory.h"
#include "net/tls_parts.h"

#include <openssl/crypto.h>
#include <stdatomic.h>

/* The mutable global of this room: the library's allocator is one for the process, and its calls
 * carry no argument of ours. */
static _Atomic uint64_t held_bytes;

static void hold(const void *at)
{
    atomic_fetch_add_explicit(&held_bytes, memory_usable(at), memory_order_relaxed);
}

static void unhold(const void *at)
{
    atomic_fetch_sub_explicit(&held_bytes, memory_usable(at), memory_order_relaxed);
}

static void *take(size_t bytes, const char *file, int line)
{
    (void)file;
    (void)line;
    void *at = memory_take(bytes);
    hold(at);
    return at;
}

static void give(void *at, const char *file, int line)
{
    (void)file;
    (void)line;
    unhold(at);
    memory_give(at);
}

static void *resize(void *at, size_t bytes, const char *file, int line)
{
    if (bytes == 0) {
        give(at, file, line);
        return NULL;
    }
    unhold(at);
    void *resized = memory_resize(at, bytes);
    hold(resized == NULL ? at : resized);
    return resized;
}

void tls_memory_begin(void)
{
    (void)CRYPTO_set_mem_functions(take, resize, give);
}

uint64_t tls_memory_held(void)
{
    return atomic_load_explicit(&held_bytes, memory_order_relaxed);
}
