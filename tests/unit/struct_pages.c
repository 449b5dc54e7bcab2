#include "struct_pages.h"

#include <stdlib.h>
#include <sys/mman.h>

static bool fails(struct test_pages *pages)
{
    if (pages->fails_left == UINT64_MAX)
        return false;
    if (pages->fails_left > 0) {
        pages->fails_left--;
        return false;
    }
    if (pages->fails_once)
        pages->fails_left = UINT64_MAX;
    return true;
}

static void *pages_reserve(void *context, size_t bytes)
{
    struct test_pages *pages = context;
    if (fails(pages) || (pages->reserve_most != 0 && pages->reserved + bytes > pages->reserve_most))
        return NULL;
    void *at = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    madvise(at, bytes, MADV_NOHUGEPAGE);
    pages->reserved += bytes;
    return at;
}

static void pages_unreserve(void *context, void *at, size_t bytes)
{
    struct test_pages *pages = context;
    pages->reserved -= bytes;
    if (munmap(at, bytes) != 0)
        abort();
}

static bool pages_commit(void *context, void *at, size_t bytes)
{
    struct test_pages *pages = context;
    pages->commits++;
    return !fails(pages) && mprotect(at, bytes, PROT_READ | PROT_WRITE) == 0;
}

static void pages_return(void *context, void *at, size_t bytes)
{
    struct test_pages *pages = context;
    pages->returns++;
    if (madvise(at, bytes, MADV_DONTNEED) != 0)
        abort();
}

static void pages_touch(void *context, void *at, size_t bytes)
{
    (void)context, (void)at, (void)bytes;
}

static bool pages_move(void *context, void *from, void *to, size_t bytes)
{
    (void)context, (void)from, (void)to, (void)bytes;
    return false;
}

void test_pages_init(struct test_pages *pages)
{
    *pages = (struct test_pages){ .fails_left = UINT64_MAX };
    pages->seam = (struct seam){
        .context = pages,
        .pages_reserve = pages_reserve,
        .pages_unreserve = pages_unreserve,
        .pages_commit = pages_commit,
        .pages_return = pages_return,
        .pages_touch = pages_touch,
        .pages_move = pages_move,
    };
}

uint64_t test_pages_resident(void *at, uint64_t bytes)
{
    enum { PAGE = 4096, CHUNK = 1024 };
    unsigned char present[CHUNK];
    uint64_t resident = 0;
    for (uint64_t done = 0; done < bytes; done += (uint64_t)CHUNK * PAGE) {
        uint64_t size =
            bytes - done < (uint64_t)CHUNK * PAGE ? bytes - done : (uint64_t)CHUNK * PAGE;
        if (mincore((uint8_t *)at + done, size, present) != 0)
            abort();
        for (uint64_t i = 0; i < size / PAGE; i++)
            resident += present[i] & 1 ? PAGE : 0;
    }
    return resident;
}
