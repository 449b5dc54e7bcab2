#include "os/seam.h"
#include "os/net.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* since Linux 5.14 */
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4 /* since Linux 5.7 */
#endif

static const size_t reserve_align = 2u * 1024 * 1024;

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec time = { 0 };
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

static uint64_t now_ns(void *context)
{
    (void)context;
    return clock_ns(CLOCK_MONOTONIC);
}

static int64_t wall_us(void *context)
{
    (void)context;
    return (int64_t)(clock_ns(CLOCK_REALTIME) / 1000);
}

static uint64_t cpu_ns(void *context)
{
    (void)context;
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* Hash keys come from here: without chance there is no safe way to go on. */
static void fill_random(void *context, void *at, size_t bytes)
{
    (void)context;
    uint8_t *next = at;
    while (bytes > 0) {
        ssize_t got = getrandom(next, bytes, 0);
        if (got < 0 && errno == EINTR)
            continue;
        ENSURE(got > 0);
        next += got;
        bytes -= (size_t)got;
    }
}

/* Reserves too much and cuts both ends off, so that the rest is aligned. Huge pages would make
 * memory resident that nobody touched, and keep it so when half of them is given back. */
static void *pages_reserve(void *context, size_t bytes)
{
    (void)context;
    size_t whole;
    if (bytes == 0 || __builtin_add_overflow(bytes, reserve_align, &whole))
        return NULL;
    char *at = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    size_t before = -(uintptr_t)at & (reserve_align - 1);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t kept = (bytes + page - 1) & ~(page - 1);
    if (before > 0)
        munmap(at, before);
    if (whole > before + kept)
        munmap(at + before + kept, whole - before - kept);
    /* Refused by kernels without huge pages, which is as good. */
    madvise(at + before, kept, MADV_NOHUGEPAGE);
    return at + before;
}

static void pages_unreserve(void *context, void *at, size_t bytes)
{
    (void)context;
    ENSURE(munmap(at, bytes) == 0);
}

static bool pages_commit(void *context, void *at, size_t bytes)
{
    (void)context;
    return mprotect(at, bytes, PROT_READ | PROT_WRITE) == 0;
}

static void pages_return(void *context, void *at, size_t bytes)
{
    (void)context;
    madvise(at, bytes, MADV_DONTNEED);
}

static void pages_touch(void *context, void *at, size_t bytes)
{
    (void)context;
    madvise(at, bytes, MADV_POPULATE_WRITE);
}

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1; older kernels refuse it */
#endif

/* A large page that is there stays one. What is touched in its place later, when it was given back,
 * shall be a small one again: one bucket would hold 2 MiB. */
static void pages_merge(void *context, void *at, size_t bytes)
{
    (void)context;
    if (madvise(at, bytes, MADV_HUGEPAGE) == 0 && madvise(at, bytes, MADV_COLLAPSE) == 0)
        madvise(at, bytes, MADV_NOHUGEPAGE);
}

/* The kernel may have unmapped the target before it found that it cannot go on. */
static void restore_target(void *to, size_t bytes)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
    void *at = mmap(to, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    ENSURE(at == to || (at == MAP_FAILED && errno == EEXIST));
    if (at == to)
        madvise(to, bytes, MADV_NOHUGEPAGE);
}

/* `from` stays mapped throughout: a hole there, however short, could be taken by another thread's
 * allocation. A kernel that cannot do so refuses (EINVAL), and nothing has moved. */
static bool pages_move(void *context, void *from, void *to, size_t bytes)
{
    (void)context;
    const int flags = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
    if (mremap(from, bytes, bytes, flags, to) != MAP_FAILED)
        return true;
    if (errno != EINVAL)
        restore_target(to, bytes);
    return false;
}

static int accept_connection(void *context, int listener, struct sockaddr *address,
                             socklen_t *bytes)
{
    (void)context;
    return accept4(listener, address, bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static ssize_t receive(void *context, int socket, void *at, size_t bytes)
{
    (void)context;
    ssize_t got = recv(socket, at, bytes, 0);
    return got < 0 && errno == ENOTSOCK ? read(socket, at, bytes) : got;
}

/* A peer that has gone is an error to return, not a SIGPIPE to die of. One part is the rule, and
 * goes by the cheaper call. */
static ssize_t send_parts(void *context, int socket, const struct iovec *parts, int count)
{
    (void)context;
    if (count == 1) {
        ssize_t sent = send(socket, parts->iov_base, parts->iov_len, MSG_NOSIGNAL);
        return sent < 0 && errno == ENOTSOCK ? writev(socket, parts, count) : sent;
    }
    struct msghdr message = {
        .msg_iov = (struct iovec *)(uintptr_t)parts, /* only read, though declared otherwise */
        .msg_iovlen = (size_t)count,
    };
    ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    return sent < 0 && errno == ENOTSOCK ? writev(socket, parts, count) : sent;
}

static int connect_to(void *context, const char *host, uint16_t port, int timeout_ms)
{
    (void)context;
    return socket_connect_tcp(host, port, timeout_ms);
}

static bool wait_to_receive(void *context, int socket, int timeout_ms)
{
    (void)context;
    return socket_wait(socket, POLLIN, timeout_ms);
}

static bool wait_to_send(void *context, int socket, int timeout_ms)
{
    (void)context;
    return socket_wait(socket, POLLOUT, timeout_ms);
}

static int open_file(void *context, const char *path, int flags, unsigned mode)
{
    (void)context;
    return open(path, flags | O_CLOEXEC, (mode_t)mode);
}

static ssize_t read_file(void *context, int file, void *at, size_t bytes)
{
    (void)context;
    return read(file, at, bytes);
}

static ssize_t write_file(void *context, int file, const void *at, size_t bytes)
{
    (void)context;
    return write(file, at, bytes);
}

static int sync_file(void *context, int file)
{
    (void)context;
    return fsync(file);
}

static int sync_data(void *context, int file)
{
    (void)context;
    return fdatasync(file);
}

static int truncate_file(void *context, int file, uint64_t bytes)
{
    (void)context;
    return ftruncate(file, (off_t)bytes);
}

static int64_t file_bytes(void *context, int file)
{
    struct stat facts;
    (void)context;
    return fstat(file, &facts) == 0 ? (int64_t)facts.st_size : -1;
}

static int make_directory(void *context, const char *path, unsigned mode)
{
    (void)context;
    return mkdir(path, (mode_t)mode);
}

static int rename_file(void *context, const char *from, const char *to)
{
    (void)context;
    return rename(from, to);
}

static int unlink_file(void *context, const char *path)
{
    (void)context;
    return unlink(path);
}

static int close_file(void *context, int file)
{
    (void)context;
    return close(file);
}

static int lock_file(void *context, int file)
{
    (void)context;
    return flock(file, LOCK_EX | LOCK_NB);
}

static bool list_names(void *context, const char *directory,
                       bool (*take)(void *taker, const char *name), void *taker)
{
    (void)context;
    DIR *open = opendir(directory);
    if (open == NULL)
        return false;
    errno = 0;
    const struct dirent *entry = readdir(open);
    while (entry != NULL && take(taker, entry->d_name))
        entry = readdir(open);
    bool whole = entry != NULL || errno == 0;
    closedir(open);
    return whole;
}

static bool other_process(void *context, int64_t number)
{
    (void)context;
    if (number <= 0 || number > INT32_MAX || number == (int64_t)getpid())
        return false;
    return kill((pid_t)number, 0) == 0 || errno != ESRCH;
}

void os_seam_init(struct seam *seam)
{
    *seam = (struct seam){
        .now_ns = now_ns,
        .wall_us = wall_us,
        .cpu_ns = cpu_ns,
        .random = fill_random,
        .pages_reserve = pages_reserve,
        .pages_unreserve = pages_unreserve,
        .pages_commit = pages_commit,
        .pages_return = pages_return,
        .pages_touch = pages_touch,
        .pages_merge = pages_merge,
        .pages_move = pages_move,
        .accept = accept_connection,
        .receive = receive,
        .send = send_parts,
        .connect = connect_to,
        .wait_to_receive = wait_to_receive,
        .wait_to_send = wait_to_send,
        .open = open_file,
        .read = read_file,
        .write = write_file,
        .sync = sync_file,
        .sync_data = sync_data,
        .truncate = truncate_file,
        .file_bytes = file_bytes,
        .make_directory = make_directory,
        .rename = rename_file,
        .unlink = unlink_file,
        .close = close_file,
        .lock = lock_file,
        .list = list_names,
        .other_process = other_process,
    };
}
