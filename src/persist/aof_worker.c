#include "persist/aof_worker.h"
#include "base/memory.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

enum job_kind { JOB_SYNC, JOB_CLOSE, JOB_UNLINK, JOB_RUN, JOB_KINDS };

struct job {
    struct job *next;
    enum job_kind kind;
    int file;
    uint64_t position;
    void (*run)(void *context);
    void *context;
    char path[]; /* JOB_UNLINK: with a NUL */
};

struct aof_worker {
    const struct seam *seam;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wanted, done;
    struct job *first, **end;
    unsigned asked[JOB_KINDS]; /* queued or under way */
    bool busy, stop;
    uint64_t synced;
    uint32_t unsynced, unremoved;
    int error;
};

static void sync_file(struct aof_worker *worker, const struct job *job)
{
    const struct seam *seam = worker->seam;
    errno = 0;
    /* EINVAL: a file that cannot be synced, such as a pipe. */
    bool synced = seam->sync_data(seam->context, job->file) == 0 || errno == EINVAL;
    int error = synced ? 0 : errno;
    if (job->kind == JOB_CLOSE)
        seam->close(seam->context, job->file);
    pthread_mutex_lock(&worker->mutex);
    worker->error = error;
    worker->unsynced += !synced && job->kind == JOB_CLOSE;
    if (synced && job->position > worker->synced)
        worker->synced = job->position;
    pthread_mutex_unlock(&worker->mutex);
}

static void remove_file(struct aof_worker *worker, const char *path)
{
    bool gone = worker->seam->unlink(worker->seam->context, path) == 0 || errno == ENOENT;
    pthread_mutex_lock(&worker->mutex);
    worker->unremoved += !gone;
    pthread_mutex_unlock(&worker->mutex);
}

static void perform(struct aof_worker *worker, const struct job *job)
{
    if (job->kind == JOB_UNLINK)
        remove_file(worker, job->path);
    else if (job->kind == JOB_RUN)
        job->run(job->context);
    else
        sync_file(worker, job);
}

static void *work(void *context)
{
    struct aof_worker *worker = context;
    pthread_mutex_lock(&worker->mutex);
    for (;;) {
        struct job *job = worker->first;
        if (job == NULL && worker->stop)
            break;
        if (job == NULL) {
            pthread_cond_wait(&worker->wanted, &worker->mutex);
            continue;
        }
        worker->first = job->next;
        if (worker->first == NULL)
            worker->end = &worker->first;
        worker->busy = true;
        pthread_mutex_unlock(&worker->mutex);
        perform(worker, job);
        pthread_mutex_lock(&worker->mutex);
        worker->busy = false;
        worker->asked[job->kind]--;
        memory_give(job);
        pthread_cond_broadcast(&worker->done);
    }
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

struct aof_worker *aof_worker_new(const struct seam *seam)
{
    struct aof_worker *worker = memory_take_zeroed(sizeof *worker);
    if (worker == NULL)
        return NULL;
    worker->seam = seam;
    worker->end = &worker->first;
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->wanted, NULL);
    pthread_cond_init(&worker->done, NULL);
    if (pthread_create(&worker->thread, NULL, work, worker) == 0)
        return worker;
    memory_give(worker);
    return NULL;
}

void aof_worker_drop(struct aof_worker *worker)
{
    if (worker == NULL)
        return;
    pthread_mutex_lock(&worker->mutex);
    worker->stop = true;
    pthread_cond_signal(&worker->wanted);
    pthread_mutex_unlock(&worker->mutex);
    pthread_join(worker->thread, NULL);
    pthread_cond_destroy(&worker->wanted);
    pthread_cond_destroy(&worker->done);
    pthread_mutex_destroy(&worker->mutex);
    memory_give(worker);
}

void aof_worker_wait(struct aof_worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    while (worker->first != NULL || worker->busy)
        pthread_cond_wait(&worker->done, &worker->mutex);
    pthread_mutex_unlock(&worker->mutex);
}

static void queue(struct aof_worker *worker, struct job *job)
{
    pthread_mutex_lock(&worker->mutex);
    *worker->end = job;
    worker->end = &job->next;
    worker->asked[job->kind]++;
    pthread_cond_signal(&worker->wanted);
    pthread_mutex_unlock(&worker->mutex);
}

/* Without memory for the job it is done here, behind those that are queued. */
static void ask(struct aof_worker *worker, const struct job *here)
{
    struct job *job = memory_take(sizeof *job);
    if (job == NULL) {
        aof_worker_wait(worker);
        perform(worker, here);
        return;
    }
    *job = *here;
    queue(worker, job);
}

void aof_worker_sync(struct aof_worker *worker, int file, uint64_t position)
{
    ask(worker, &(struct job){ .kind = JOB_SYNC, .file = file, .position = position });
}

void aof_worker_close(struct aof_worker *worker, int file, uint64_t position)
{
    ask(worker, &(struct job){ .kind = JOB_CLOSE, .file = file, .position = position });
}

void aof_worker_run(struct aof_worker *worker, void (*run)(void *context), void *context)
{
    ask(worker, &(struct job){ .kind = JOB_RUN, .run = run, .context = context });
}

void aof_worker_unlink(struct aof_worker *worker, const char *path)
{
    size_t bytes = strlen(path) + 1;
    struct job *job = memory_take(sizeof *job + bytes);
    if (job == NULL) {
        remove_file(worker, path);
        return;
    }
    *job = (struct job){ .kind = JOB_UNLINK };
    memcpy(job->path, path, bytes);
    queue(worker, job);
}

struct aof_worker_state aof_worker_state(struct aof_worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    struct aof_worker_state state = {
        .syncing = worker->asked[JOB_SYNC] + worker->asked[JOB_CLOSE] > 0,
        .synced = worker->synced,
        .error = worker->error,
        .unsynced = worker->unsynced,
        .unremoved = worker->unremoved,
        .running = worker->asked[JOB_RUN] > 0,
        .idle = worker->first == NULL && !worker->busy,
    };
    pthread_mutex_unlock(&worker->mutex);
    return state;
}
