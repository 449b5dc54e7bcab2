#include "base/fault.h"

#include <errno.h>

/* Counts a call, and says whether the plan wants it to fail. */
static bool fails(struct fault_seam *fault, enum fault_class class)
{
    int slot = __builtin_ctz((unsigned)class);
    atomic_fetch_add_explicit(&fault->calls[slot], 1, memory_order_relaxed);
    const struct fault_plan *plan = &fault->plan;
    if ((plan->classes & class) == 0)
        return false;
    uint64_t before = atomic_fetch_add_explicit(&fault->planned, 1, memory_order_relaxed);
    if (before < plan->after || (before > plan->after && !plan->always))
        return false;
    atomic_fetch_add_explicit(&fault->failed, 1, memory_order_relaxed);
    errno = plan->error;
    return true;
}

static size_t trickle(const struct fault_seam *fault, size_t bytes)
{
    return fault->plan.trickle && bytes > 1 ? 1 : bytes;
}

static uint64_t now_ns(void *context)
{
    struct fault_seam *fault = context;
    return fault->inner->now_ns(fault->inner->context);
}

static int64_t wall_us(void *context)
{
    struct fault_seam *fault = context;
    return fault->inner->wall_us(fault->inner->context);
}

static uint64_t cpu_ns(void *context)
{
    struct fault_seam *fault = context;
    return fault->inner->cpu_ns(fault->inner->context);
}

static void fill_random(void *context, void *at, size_t bytes)
{
    struct fault_seam *fault = context;
    fault->inner->random(fault->inner->context, at, bytes);
}

static void *pages_reserve(void *context, size_t bytes)
{
    struct fault_seam *fault = context;
    if (fails(fault, FAULT_PAGES))
        return NULL;
    return fault->inner->pages_reserve(fault->inner->context, bytes);
}

static void pages_unreserve(void *context, void *at, size_t bytes)
{
    struct fault_seam *fault = context;
    fault->inner->pages_unreserve(fault->inner->context, at, bytes);
}

static bool pages_commit(void *context, void *at, size_t bytes)
{
    struct fault_seam *fault = context;
    if (fails(fault, FAULT_PAGES))
        return false;
    return fault->inner->pages_commit(fault->inner->context, at, bytes);
}

/* Returning pages gives nothing to a caller that could fail; a plan does not count it. */
static void pages_return(void *context, void *at, size_t bytes)
{
    struct fault_seam *fault = context;
    fault->inner->pages_return(fault->inner->context, at, bytes);
}

/* May do nothing by its contract, so failing is to do nothing. */
static void pages_touch(void *context, void *at, size_t bytes)
{
    struct fault_seam *fault = context;
    if (!fails(fault, FAULT_PAGES))
        fault->inner->pages_touch(fault->inner->context, at, bytes);
}

static void pages_merge(void *context, void *at, size_t bytes)
{
    struct fault_seam *fault = context;
    if (fault->inner->pages_merge != NULL && !fails(fault, FAULT_PAGES))
        fault->inner->pages_merge(fault->inner->context, at, bytes);
}

static bool pages_move(void *context, void *from, void *to, size_t bytes)
{
    struct fault_seam *fault = context;
    if (fails(fault, FAULT_PAGES))
        return false;
    return fault->inner->pages_move(fault->inner->context, from, to, bytes);
}

static int accept_connection(void *context, int listener, struct sockaddr *address,
                             socklen_t *bytes)
{
    struct fault_seam *fault = context;
    if (fails(fault, FAULT_SOCKETS))
        return -1;
    return fault->inner->accept(fault->inner->context, listener, address, bytes);
}

static ssize_t receive(void *context, int socket, void *at, size_t bytes)
{
    struct fault_seam *fault = context;
    if (fails(fault, FAULT_SOCKETS))
        return -1;
    return fault->inner->receive(fault->inner->context, socket, at, trickle(fault, bytes));
}

static int connect_to(void *context, const char *host, uint16_t port, int timeout_ms)
{
    struct fault_seam *fault = context;
    if (fails(fault, FAULT_SOCKETS))
        return -1;
    return fault->inner->connect(fault->inner->context, host, port, timeout_ms);
}

static bool wait_to_receive(void *context, int socket, int timeout_ms)
{
    struct fault_seam *fault = context;
    if (fails(fault, FAULT_SOCKETS))
        return false;
    return fault->inner->wait_to_receive(fault->inner->context, socket, timeout_ms);
}

static bool wait_to_send(void *context, int socket, int timeout_ms)
{
    struct fault_seam *fault = context;
    if (fails(fault, FAULT_SOCKETS))
        return false;
    return fault->inner->wait_to_send(fault->inner->context, socket, timeout_ms);
}

/* A trickle sends the first byte there is. */
static ssize_t send_trickle(struct fault_seam *fault, int socket, const struct iovec *parts,
                            int count)
{
    while (count > 1 && parts->iov_len == 0) {
        parts++;
        count--;
    }
    struct iovec first = { parts->iov_base, trickle(fault, parts->iov_len) };
    return fault->inner->send(fault->inner->context, socket, &first, 1);
}

static ssize_t send_parts(void *context, int socket, const struct iovec *parts, int count)
{
    struct fault_seam *fault = context;
    if (fails(fault, FAULT_SOCKETS))
        return -1;
    if (fault->plan.trickle && count > 0)
        return send_trickle(fault, socket, parts, count);
    return fault->inner->send(fault->inner->context, socket, parts, count);
}

static int open_file(void *context, const char *path, int flags, unsigned mode)
{
    struct fault_seam *fault = context;
    if (fails(fault, FAULT_FILES))
        return -1;
    return fault->inner->open(fault->inner->context, path, flags, mode);
}

static ssize_t read_file(void *context, int file, void *at, size_t bytes)
{
    struct fault_seam *fault = context;
    if (fails(fault, FAULT_FILES))
        return -1;
    return fault->inner->read(fault->inner->context, file, at, trickle(fault, bytes));
}

static ssize_t write_file(void *context, int file, const void *at, size_t bytes)
{
    struct fault_seam *fault = context;
    if (fails(fault, FAULT_FILES))
        return -1;
    return fault->inner->write(fault->inner->context, file, at, trickle(fault, bytes));
}

static int sync_file(void *context, int file)
{
    struct fault_seam *fault = context;
    if (fails(fault, FAULT_FILES))
        return -1;
    return fault->inner->sync(fault->inner->context, file);
}

static int sync_data(void *context, int file)
{
    struct fault_seam *fault = context;
    if (fails(fault, FAULT_FILES))
        return -1;
    return fault->inner->sync_data(fault->inner->context, file);
}

static int truncate_file(void *context, int file, uint64_t bytes)
{
    struct fault_seam *fault = context;
    if (fails(fault, FAULT_FILES))
        return -1;
    return fault->inner->truncate(fault->inner->context, file, bytes);
}

static int64_t file_bytes(void *context, int file)
{
    struct fault_seam *fault = context;
    if (fails(fault, FAULT_FILES))
        return -1;
    return fault->inner->file_bytes(fault->inner->context, file);
}

static int make_directory(void *context, const char *path, unsigned mode)
{
    struct fault_seam *fault = context;
    if (fails(fault, FAULT_FILES))
        return -1;
    return fault->inner->make_directory(fault->inner->context, path, mode);
}

static int rename_file(void *context, const char *from, const char *to)
{
    struct fault_seam *fault = context;
    if (fails(fault, FAULT_FILES))
        return -1;
    return fault->inner->rename(fault->inner->context, from, to);
}

static int unlink_file(void *context, const char *path)
{
    struct fault_seam *fault = context;
    if (fails(fault, FAULT_FILES))
        return -1;
    return fault->inner->unlink(fault->inner->context, path);
}

/* As the kernel does it: the descriptor is gone even when close reports an error. */
static int close_file(void *context, int file)
{
    struct fault_seam *fault = context;
    bool failing = fails(fault, FAULT_FILES);
    int result = fault->inner->close(fault->inner->context, file);
    if (failing)
        errno = fault->plan.error;
    return failing ? -1 : result;
}

static int lock_file(void *context, int file)
{
    struct fault_seam *fault = context;
    if (fails(fault, FAULT_FILES))
        return -1;
    return fault->inner->lock(fault->inner->context, file);
}

static bool list_names(void *context, const char *directory,
                       bool (*take)(void *taker, const char *name), void *taker)
{
    struct fault_seam *fault = context;
    if (fails(fault, FAULT_FILES))
        return false;
    return fault->inner->list(fault->inner->context, directory, take, taker);
}

static bool other_process(void *context, int64_t number)
{
    struct fault_seam *fault = context;
    return fault->inner->other_process(fault->inner->context, number);
}

void fault_seam_init(struct fault_seam *fault, const struct seam *inner)
{
    *fault = (struct fault_seam){ .inner = inner };
    fault->seam = (struct seam){
        .context = fault,
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

void fault_seam_plan(struct fault_seam *fault, const struct fault_plan *plan)
{
    fault->plan = *plan;
    atomic_store(&fault->planned, 0);
    atomic_store(&fault->failed, 0);
}

uint64_t fault_seam_calls(const struct fault_seam *fault, uint32_t classes)
{
    uint64_t calls = 0;
    for (int slot = 0; slot < 3; slot++) {
        if ((classes & 1u << slot) != 0)
            calls += atomic_load_explicit(&fault->calls[slot], memory_order_relaxed);
    }
    return calls;
}
