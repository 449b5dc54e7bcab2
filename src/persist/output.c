#include "persist/output.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { WRITE_MAX = 1024 * 1024 };

struct chunk {
    struct chunk *next;
    struct buffer bytes;
};

struct output {
    const struct seam *seam;
    char *directory, *name, *temporary;
    uint64_t sync_bytes;
    pthread_t thread;

    pthread_mutex_t lock;         /* over all that follows */
    pthread_cond_t work, written; /* for the thread, and from it */
    struct chunk *first, *last;
    uint64_t pending;
    bool finished, cancelled;
    enum output_state ended; /* OUTPUT_OPEN: the thread runs */
    struct output_error error;
};

/* --- the thread's ----------------------------------------------------------------------------- */

static bool fail(struct output *output, const char *step)
{
    output->error = (struct output_error){ step, errno };
    return false;
}

/* The bytes' next piece; false at the end, or when there is no use in going on. */
static bool next_chunk(struct output *output, struct chunk **chunk)
{
    pthread_mutex_lock(&output->lock);
    while (output->first == NULL && !output->finished && !output->cancelled)
        pthread_cond_wait(&output->work, &output->lock);
    *chunk = output->cancelled ? NULL : output->first;
    if (*chunk != NULL) {
        output->first = (*chunk)->next;
        if (output->first == NULL)
            output->last = NULL;
    }
    pthread_mutex_unlock(&output->lock);
    return *chunk != NULL;
}

static bool is_cancelled(struct output *output)
{
    pthread_mutex_lock(&output->lock);
    bool cancelled = output->cancelled;
    pthread_mutex_unlock(&output->lock);
    return cancelled;
}

static void count_written(struct output *output, uint64_t bytes)
{
    pthread_mutex_lock(&output->lock);
    output->pending -= bytes;
    pthread_cond_signal(&output->written);
    pthread_mutex_unlock(&output->lock);
}

static bool write_all(struct output *output, int file, struct bytes bytes)
{
    const struct seam *seam = output->seam;
    while (bytes.count > 0) {
        size_t most = bytes.count < WRITE_MAX ? bytes.count : WRITE_MAX;
        ssize_t written = seam->write(seam->context, file, bytes.at, most);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            if (written == 0)
                errno = ENOSPC;
            return fail(output, "write");
        }
        bytes = bytes_of(bytes.at + written, bytes.count - (size_t)written);
        count_written(output, (uint64_t)written);
    }
    return true;
}

static void give_chunk(struct chunk *chunk)
{
    buffer_release(&chunk->bytes);
    memory_give(chunk);
}

static bool write_queue(struct output *output, int file)
{
    const struct seam *seam = output->seam;
    uint64_t unsynced = 0;
    struct chunk *chunk;
    while (next_chunk(output, &chunk)) {
        bool written = write_all(output, file, buffer_view(&chunk->bytes));
        unsynced += chunk->bytes.count;
        give_chunk(chunk);
        if (!written)
            return false;
        if (output->sync_bytes == 0 || unsynced < output->sync_bytes)
            continue;
        unsynced = 0;
        if (seam->sync(seam->context, file) != 0)
            return fail(output, "sync");
    }
    if (is_cancelled(output))
        return false;
    return seam->sync(seam->context, file) == 0 || fail(output, "sync");
}

/* A name is on the disk when its directory is. Some file systems cannot say so. */
static bool sync_directory(struct output *output)
{
    const struct seam *seam = output->seam;
    int directory = seam->open(seam->context, output->directory, O_RDONLY | O_DIRECTORY, 0);
    if (directory < 0)
        return fail(output, "open the directory");
    bool synced = seam->sync(seam->context, directory) == 0 || errno == EINVAL || errno == EBADF;
    if (!synced)
        fail(output, "sync the directory");
    seam->close(seam->context, directory);
    return synced;
}

static bool write_file(struct output *output)
{
    const struct seam *seam = output->seam;
    int file = seam->open(seam->context, output->temporary, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file < 0)
        return fail(output, "open");
    /* So that who starts here does not take it for a leftover. Some file systems have no locks. */
    int locked = seam->lock(seam->context, file);
    (void)locked;
    bool whole = write_queue(output, file);
    if (seam->close(seam->context, file) != 0 && whole)
        whole = fail(output, "close");
    if (whole && is_cancelled(output))
        whole = false;
    if (whole && seam->rename(seam->context, output->temporary, output->name) != 0)
        whole = fail(output, "rename");
    if (!whole) {
        seam->unlink(seam->context, output->temporary);
        return false;
    }
    return sync_directory(output);
}

static void drop_queue(struct output *output)
{
    while (output->first != NULL) {
        struct chunk *next = output->first->next;
        give_chunk(output->first);
        output->first = next;
    }
    output->last = NULL;
    output->pending = 0;
}

static void *run(void *context)
{
    struct output *output = context;
    bool whole = write_file(output);
    pthread_mutex_lock(&output->lock);
    drop_queue(output);
    if (whole)
        output->ended = OUTPUT_DONE;
    else
        output->ended = output->error.step != NULL ? OUTPUT_FAILED : OUTPUT_CANCELLED;
    pthread_cond_signal(&output->written);
    pthread_mutex_unlock(&output->lock);
    return NULL;
}

/* --- the executing thread's ------------------------------------------------------------------- */

static char *copy_text(struct bytes text)
{
    char *copy = memory_take(text.count + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text.at, text.count);
    copy[text.count] = 0;
    return copy;
}

static char *join(const char *directory, const char *name)
{
    struct buffer text = { 0 };
    char *path = NULL;
    if (buffer_printf(&text, "%s/%s", directory, name))
        path = copy_text(buffer_view(&text));
    buffer_release(&text);
    return path;
}

static bool name_files(struct output *output, const struct output_options *options)
{
    struct buffer name = { 0 };
    output->directory = copy_text(bytes_of_text(options->directory));
    output->name = join(options->directory, options->name);
    if (buffer_printf(&name, "temp-%d.rdb", (int)getpid()) && buffer_append_byte(&name, 0))
        output->temporary = join(options->directory, (const char *)name.at);
    buffer_release(&name);
    return output->directory != NULL && output->name != NULL && output->temporary != NULL;
}

/* Waiting ends by the monotonic clock, whatever happens to the time of day. */
static bool init_locks(struct output *output)
{
    pthread_condattr_t monotonic;
    if (pthread_condattr_init(&monotonic) != 0)
        return false;
    bool made = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&output->written, &monotonic) == 0 &&
                pthread_cond_init(&output->work, NULL) == 0 &&
                pthread_mutex_init(&output->lock, NULL) == 0;
    pthread_condattr_destroy(&monotonic);
    return made;
}

static void release(struct output *output)
{
    memory_give(output->directory);
    memory_give(output->name);
    memory_give(output->temporary);
    memory_give(output);
}

/* Signals are the executing thread's to receive. */
static bool start_thread(struct output *output)
{
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return false;
    bool started = pthread_create(&output->thread, NULL, run, output) == 0;
    ENSURE(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    return started;
}

struct output *output_new(const struct output_options *options)
{
    struct output *output = memory_take_zeroed(sizeof *output);
    if (output == NULL)
        return NULL;
    output->seam = options->seam;
    output->sync_bytes = options->sync_bytes;
    if (name_files(output, options) && init_locks(output) && start_thread(output))
        return output;
    release(output);
    return NULL;
}

enum err output_give(struct output *output, struct buffer *bytes)
{
    if (bytes->count == 0)
        return ERR_NONE;
    struct chunk *chunk = memory_take(sizeof *chunk);
    if (chunk == NULL)
        return ERR_MEMORY;
    *chunk = (struct chunk){ NULL, *bytes };
    pthread_mutex_lock(&output->lock);
    DCHECK(!output->finished);
    bool open = output->ended == OUTPUT_OPEN;
    if (open) {
        if (output->last != NULL)
            output->last->next = chunk;
        else
            output->first = chunk;
        output->last = chunk;
        output->pending += bytes->count;
        pthread_cond_signal(&output->work);
    }
    pthread_mutex_unlock(&output->lock);
    *bytes = (struct buffer){ 0 };
    if (!open)
        give_chunk(chunk);
    return open ? ERR_NONE : ERR_SYSTEM;
}

void output_finish(struct output *output)
{
    pthread_mutex_lock(&output->lock);
    output->finished = true;
    pthread_cond_signal(&output->work);
    pthread_mutex_unlock(&output->lock);
}

void output_cancel(struct output *output)
{
    pthread_mutex_lock(&output->lock);
    output->cancelled = true;
    pthread_cond_signal(&output->work);
    pthread_mutex_unlock(&output->lock);
}

enum output_state output_state(struct output *output)
{
    pthread_mutex_lock(&output->lock);
    enum output_state state = output->ended;
    if (state == OUTPUT_OPEN && (output->finished || output->cancelled))
        state = OUTPUT_ENDING;
    pthread_mutex_unlock(&output->lock);
    return state;
}

struct output_error output_error(struct output *output)
{
    pthread_mutex_lock(&output->lock);
    struct output_error error = output->error;
    pthread_mutex_unlock(&output->lock);
    return error;
}

uint64_t output_pending(struct output *output)
{
    pthread_mutex_lock(&output->lock);
    uint64_t pending = output->pending;
    pthread_mutex_unlock(&output->lock);
    return pending;
}

void output_wait(struct output *output, uint64_t bytes, uint64_t most_ns)
{
    const uint64_t second = UINT64_C(1000000000);
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    uint64_t ns = (uint64_t)until.tv_nsec + most_ns % second;
    until.tv_sec += (time_t)(most_ns / second + ns / second);
    until.tv_nsec = (long)(ns % second);
    pthread_mutex_lock(&output->lock);
    while (output->ended == OUTPUT_OPEN && output->pending >= bytes)
        if (pthread_cond_timedwait(&output->written, &output->lock, &until) != 0)
            break;
    pthread_mutex_unlock(&output->lock);
}

void output_drop(struct output *output)
{
    if (output == NULL)
        return;
    pthread_mutex_lock(&output->lock);
    if (!output->finished)
        output->cancelled = true;
    pthread_cond_signal(&output->work);
    pthread_mutex_unlock(&output->lock);
    ENSURE(pthread_join(output->thread, NULL) == 0);
    pthread_cond_destroy(&output->work);
    pthread_cond_destroy(&output->written);
    pthread_mutex_destroy(&output->lock);
    release(output);
}
