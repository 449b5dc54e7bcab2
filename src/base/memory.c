#include "base/memory.h"

#include "base/poison.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The Makefile defines one of these for `make MALLOC=`; without any it is the C library's. */
#if defined(SNUG_MALLOC_JEMALLOC)
#include <jemalloc/jemalloc.h>
#elif defined(SNUG_MALLOC_MIMALLOC)
#include <mimalloc.h>
#elif !defined(SNUG_MALLOC_TCMALLOC)
#include <gnu/libc-version.h>
#endif

/* The mutable globals of this room. Malloc itself is global, so a total beside it that every
 * caller would have to carry could only ever be incomplete. */
static _Atomic uint64_t held_bytes;
static _Atomic uint64_t takes_until_failure = UINT64_MAX;
static _Atomic bool failing_always, has_failed;

#if SNUG_ASAN
/* No memory is an error to return, under the sanitizer too, which would end the process. What the
 * environment says in ASAN_OPTIONS is added to this. */
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
#endif

void memory_fail_after(uint64_t takes)
{
    atomic_store_explicit(&takes_until_failure, takes, memory_order_relaxed);
    atomic_store_explicit(&has_failed, false, memory_order_relaxed);
}

void memory_fail_always(bool always)
{
    atomic_store_explicit(&failing_always, always, memory_order_relaxed);
}

bool memory_has_failed(void)
{
    return atomic_load_explicit(&has_failed, memory_order_relaxed);
}

/* Off the hot path: counts down, and says so once when this take is the one to fail. */
static __attribute__((noinline, cold)) bool count_down(void)
{
    uint64_t left = atomic_fetch_sub_explicit(&takes_until_failure, 1, memory_order_relaxed);
    if (left != 0)
        return false;
    bool always = atomic_load_explicit(&failing_always, memory_order_relaxed);
    memory_fail_after(always ? 0 : UINT64_MAX);
    atomic_store_explicit(&has_failed, true, memory_order_relaxed);
    return true;
}

static inline bool must_fail(void)
{
    uint64_t left = atomic_load_explicit(&takes_until_failure, memory_order_relaxed);
    return UNLIKELY(left != UINT64_MAX) && count_down();
}

static inline void hold(uint64_t bytes)
{
    atomic_fetch_add_explicit(&held_bytes, bytes, memory_order_relaxed);
}

static inline void unhold(uint64_t bytes)
{
    atomic_fetch_sub_explicit(&held_bytes, bytes, memory_order_relaxed);
}

uint64_t memory_held(void)
{
    return atomic_load_explicit(&held_bytes, memory_order_relaxed);
}

size_t memory_usable(const void *at)
{
#if defined(SNUG_MALLOC_JEMALLOC)
    return at == NULL ? 0 : sallocx(at, 0);
#elif defined(SNUG_MALLOC_MIMALLOC)
    return mi_usable_size(at);
#else
    /* Its declaration lacks the const, and it writes nothing. */
    return malloc_usable_size((void *)(uintptr_t)at);
#endif
}

/* Zero bytes are a block too, so that NULL always means failure. */
void *memory_take(size_t bytes)
{
    if (must_fail())
        return NULL;
    void *at = malloc(bytes == 0 ? 1 : bytes);
    if (LIKELY(at != NULL))
        hold(memory_usable(at));
    return at;
}

void *memory_take_zeroed(size_t bytes)
{
    if (must_fail())
        return NULL;
    void *at = calloc(1, bytes == 0 ? 1 : bytes);
    if (LIKELY(at != NULL))
        hold(memory_usable(at));
    return at;
}

void *memory_resize(void *at, size_t bytes)
{
    if (at == NULL)
        return memory_take(bytes);
    if (must_fail())
        return NULL;
    size_t before = memory_usable(at);
    void *moved = realloc(at, bytes == 0 ? 1 : bytes);
    if (LIKELY(moved != NULL))
        hold((uint64_t)memory_usable(moved) - before); /* wraps to a subtraction */
    return moved;
}

void memory_give(void *at)
{
    if (at == NULL)
        return;
    unhold(memory_usable(at));
    free(at);
}

#if defined(SNUG_MALLOC_JEMALLOC)

#define JEMALLOC_TEXT(x) #x
#define JEMALLOC_VERSION_TEXT(major, minor, bugfix)                                                \
    "jemalloc-" JEMALLOC_TEXT(major) "." JEMALLOC_TEXT(minor) "." JEMALLOC_TEXT(bugfix)

const char *memory_allocator_name(void)
{
    return JEMALLOC_VERSION_TEXT(JEMALLOC_VERSION_MAJOR, JEMALLOC_VERSION_MINOR,
                                 JEMALLOC_VERSION_BUGFIX);
}

static uint64_t jemalloc_figure(const char *name)
{
    size_t figure = 0;
    size_t bytes = sizeof(figure);
    return mallctl(name, &figure, &bytes, NULL, 0) == 0 ? figure : 0;
}

/* 4096 is MALLCTL_ARENAS_ALL, which the names below need spelt out. */
void memory_figures(struct memory_figures *figures)
{
    uint64_t epoch = 1;
    size_t bytes = sizeof(epoch);
    mallctl("epoch", &epoch, &bytes, &epoch, bytes);
    *figures = (struct memory_figures){
        .allocated = jemalloc_figure("stats.allocated"),
        .active = jemalloc_figure("stats.active"),
        .resident = jemalloc_figure("stats.resident"),
        .retained = jemalloc_figure("stats.retained"),
        .muzzy = jemalloc_figure("stats.arenas.4096.pmuzzy") * jemalloc_figure("arenas.page"),
        .spare = jemalloc_figure("stats.arenas.4096.pdirty") * jemalloc_figure("arenas.page"),
    };
    figures->spare += figures->muzzy;
}

void memory_purge(void)
{
    mallctl("arena.4096.purge", NULL, NULL, NULL, 0);
}

/* It looks at the clock when a thread allocates; a thread that rests would keep what it freed. */
void memory_age(void)
{
    mallctl("arena.4096.decay", NULL, NULL, NULL, 0);
}

void memory_malloc_stats(void (*write)(void *context, const char *text), void *context)
{
    malloc_stats_print(write, context, NULL);
}

#elif defined(SNUG_MALLOC_MIMALLOC)

/* MI_MALLOC_VERSION is three digits for major, minor and patch in one number, as in 209. */
const char *memory_allocator_name(void)
{
#if MI_MALLOC_VERSION / 100 == 1
    return "mimalloc-1";
#elif MI_MALLOC_VERSION / 10 == 20
    return "mimalloc-2.0";
#elif MI_MALLOC_VERSION / 10 == 21
    return "mimalloc-2.1";
#else
    return "mimalloc";
#endif
}

/* It says what it may use, and not what of that is in use: it asks for 32 MB ahead. */
void memory_figures(struct memory_figures *figures)
{
    size_t resident = 0, committed = 0;
    mi_process_info(NULL, NULL, NULL, &resident, NULL, &committed, NULL, NULL);
    *figures = (struct memory_figures){
        .allocated = memory_held(),
        .active = memory_held(),
        .resident = committed,
        .spare = committed > memory_held() ? committed - memory_held() : 0,
        .spare_is_bound = true,
    };
}

void memory_purge(void)
{
    mi_collect(true);
}

/* mimalloc may call with pieces of a line; they are passed on as they come. */
struct stats_sink {
    void (*write)(void *context, const char *text);
    void *context;
};

static void pass_on(const char *text, void *sink)
{
    const struct stats_sink *to = sink;
    to->write(to->context, text);
}

void memory_malloc_stats(void (*write)(void *context, const char *text), void *context)
{
    struct stats_sink sink = { write, context };
    mi_stats_print_out(pass_on, &sink);
}

#elif defined(SNUG_MALLOC_TCMALLOC)

/* The C interface of gperftools, whose header is not installed with the minimal library. */
extern int MallocExtension_GetNumericProperty(const char *property, size_t *value);
extern void MallocExtension_ReleaseFreeMemory(void);
extern void MallocExtension_GetStats(char *text, int bytes);

const char *memory_allocator_name(void)
{
    return "tcmalloc-2.10";
}

static uint64_t tcmalloc_figure(const char *name)
{
    size_t figure = 0;
    return MallocExtension_GetNumericProperty(name, &figure) != 0 ? figure : 0;
}

void memory_figures(struct memory_figures *figures)
{
    uint64_t heap = tcmalloc_figure("generic.heap_size");
    uint64_t unmapped = tcmalloc_figure("tcmalloc.pageheap_unmapped_bytes");
    uint64_t free_pages = tcmalloc_figure("tcmalloc.pageheap_free_bytes");
    *figures = (struct memory_figures){
        .allocated = tcmalloc_figure("generic.current_allocated_bytes"),
        .active = heap - unmapped - free_pages,
        .resident = heap - unmapped,
        .retained = unmapped,
        .spare = free_pages,
    };
}

void memory_purge(void)
{
    MallocExtension_ReleaseFreeMemory();
}

void memory_malloc_stats(void (*write)(void *context, const char *text), void *context)
{
    enum { STATS_BYTES_MAX = 16 * 1024 };
    char *text = memory_take_zeroed(STATS_BYTES_MAX);
    if (text == NULL)
        return;
    MallocExtension_GetStats(text, STATS_BYTES_MAX - 1);
    write(context, text);
    memory_give(text);
}

#else

#define LIBC_TEXT(x) #x
#define LIBC_VERSION_TEXT(major, minor) "libc-" LIBC_TEXT(major) "." LIBC_TEXT(minor)

const char *memory_allocator_name(void)
{
    return LIBC_VERSION_TEXT(__GLIBC__, __GLIBC_MINOR__);
}

/* hblkhd is what lies in mappings of its own; fordblks are free chunks inside the arenas. */
void memory_figures(struct memory_figures *figures)
{
    struct mallinfo2 info = mallinfo2();
    uint64_t mapped = (uint64_t)info.arena + info.hblkhd;
    *figures = (struct memory_figures){
        .allocated = (uint64_t)info.uordblks + info.hblkhd,
        .active = mapped,
        .resident = mapped,
        .spare = info.fordblks,
        .spare_is_bound = true,
    };
}

void memory_purge(void)
{
    malloc_trim(0);
}

void memory_malloc_stats(void (*write)(void *context, const char *text), void *context)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    if (stream == NULL)
        return;
    bool told = malloc_info(0, stream) == 0;
    if (fclose(stream) == 0 && told)
        write(context, text);
    free(text);
}

#endif

#if !defined(SNUG_MALLOC_JEMALLOC)
void memory_age(void) {}
#endif
