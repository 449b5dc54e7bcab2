#include "persist/aof_log.h"
#include "base/number.h"
#include "persist/aof_disk.h"

#include <errno.h>
#include <inttypes.h>

static const uint64_t second_ns = UINT64_C(1000000000);
enum { PENDING_KEPT = 64 * 1024 }; /* bytes of an empty buffer */

void aof_log_init(struct aof_log *log, const struct seam *seam, struct aof_worker *worker)
{
    *log = (struct aof_log){ .seam = seam, .worker = worker, .file = -1, .db = -1 };
}

void aof_log_release(struct aof_log *log)
{
    if (log->file >= 0)
        log->seam->close(log->seam->context, log->file);
    buffer_release(&log->pending);
    *log = (struct aof_log){ .file = -1 };
}

void aof_log_use(struct aof_log *log, int file, uint64_t bytes)
{
    ENSURE(log->pending.count == 0 && !log->open);
    if (log->file >= 0)
        aof_worker_close(log->worker, log->file, log->written);
    log->file = file;
    log->began = log->written;
    log->file_bytes = bytes;
    log->db = -1;
    log->stamp = 0;
}

bool aof_log_follow(struct aof_log *log, int file)
{
    enum { LINE_MAX_BYTES = 64 };
    uint64_t before = log->file_bytes;
    if (!buffer_reserve(&log->pending, LINE_MAX_BYTES))
        return false;
    aof_log_use(log, file, 0);
    ENSURE(buffer_printf(&log->pending, "#FOLLOWS:%" PRIu64 "\r\n", before));
    log->appended += log->pending.count;
    return true;
}

/* --- effects ---------------------------------------------------------------------------------- */

static bool put_number(struct buffer *out, char mark, uint64_t number)
{
    uint8_t text[NUMBER_I64_MAX + 3];
    text[0] = (uint8_t)mark;
    size_t count = 1 + number_write_u64(text + 1, number);
    text[count++] = '\r';
    text[count++] = '\n';
    return buffer_append(out, bytes_of(text, count));
}

static bool put_text(struct buffer *out, struct bytes text)
{
    return put_number(out, '$', text.count) && buffer_append(out, text) &&
           buffer_append(out, BYTES("\r\n"));
}

static bool put_command(struct buffer *out, const struct bytes *argv, uint32_t argc)
{
    bool done = put_number(out, '*', argc);
    for (uint32_t i = 0; i < argc && done; i++)
        done = put_text(out, argv[i]);
    return done;
}

static bool put_select(struct aof_log *log, unsigned db)
{
    uint8_t digits[NUMBER_I64_MAX];
    struct bytes argv[2] = { BYTES("SELECT") };
    if (log->db == (int64_t)db)
        return true;
    argv[1] = bytes_of(digits, number_write_u64(digits, db));
    return put_command(&log->pending, argv, 2);
}

static bool put_stamp(struct aof_log *log)
{
    int64_t now = seam_wall_us(log->seam) / 1000000;
    if (!log->timestamps || now == log->stamp)
        return true;
    log->stamp = now;
    return buffer_printf(&log->pending, "#TS:%" PRId64 "\r\n", now);
}

static bool put_effect(struct aof_log *log, unsigned db, const struct bytes *argv, uint32_t argc)
{
    bool first = !log->open || log->effects == 0;
    if (first && !put_stamp(log))
        return false;
    if (!put_select(log, db))
        return false;
    log->db = db;
    if (log->open && first) {
        log->transaction = log->pending.count;
        if (!put_command(&log->pending, &BYTES("MULTI"), 1))
            return false;
    }
    log->effects += log->open;
    return put_command(&log->pending, argv, argc);
}

/* Takes back what is in the buffer of an effect or a transaction that is not whole. */
static void undo(struct aof_log *log, size_t count, int64_t db)
{
    log->pending.count = count;
    log->db = db;
    log->stamp = 0;
    aof_log_lose(log);
}

void aof_log_begin(struct aof_log *log)
{
    ENSURE(!log->open);
    log->open = true;
    log->spoiled = false;
    log->effects = 0;
    log->undo_at = log->pending.count;
    log->db_before = log->db;
}

void aof_log_effect(struct aof_log *log, unsigned db, const struct bytes *argv, uint32_t argc)
{
    size_t count = log->pending.count;
    int64_t before = log->db;
    if (log->file < 0 || (log->open && log->spoiled))
        return;
    if (put_effect(log, db, argv, argc)) {
        log->appended += log->open ? 0 : log->pending.count - count;
        return;
    }
    if (log->open)
        log->spoiled = true;
    else
        undo(log, count, before);
}

/* What is alone needs no transaction around it. */
static void unwrap(struct aof_log *log)
{
    static const size_t multi = sizeof "*1\r\n$5\r\nMULTI\r\n" - 1;
    uint8_t *at = log->pending.at + log->transaction;
    memmove(at, at + multi, log->pending.count - log->transaction - multi);
    log->pending.count -= multi;
}

void aof_log_end(struct aof_log *log)
{
    ENSURE(log->open);
    log->open = false;
    if (!log->spoiled && log->effects > 1)
        log->spoiled = !put_command(&log->pending, &BYTES("EXEC"), 1);
    else if (!log->spoiled && log->effects == 1)
        unwrap(log);
    if (log->spoiled)
        undo(log, log->undo_at, log->db_before);
    log->appended = log->written + log->pending.count;
}

void aof_log_lose(struct aof_log *log)
{
    log->losses++;
}

void aof_log_mend(struct aof_log *log, uint64_t losses)
{
    log->mended = losses;
}

/* --- syncing ---------------------------------------------------------------------------------- */

uint64_t aof_log_synced(struct aof_log *log)
{
    uint64_t synced = aof_worker_state(log->worker).synced;
    return synced > log->sync_position ? synced : log->sync_position;
}

/* The file before this one is the worker's to sync: what it holds comes first. */
static bool is_synced_before(struct aof_log *log)
{
    if (aof_log_synced(log) < log->began)
        aof_worker_wait(log->worker);
    if (aof_log_synced(log) >= log->began)
        return true;
    errno = aof_worker_state(log->worker).error;
    return false;
}

bool aof_log_sync(struct aof_log *log)
{
    if (log->file < 0)
        return true;
    if (!is_synced_before(log)) {
        log->error = errno;
        return false;
    }
    if (log->seam->sync_data(log->seam->context, log->file) != 0) {
        log->error = errno;
        return false;
    }
    if (log->pending.count == 0 && log->policy != AOF_ALWAYS)
        log->error = 0; /* of a sync before: there is no write that would tell */
    log->sync_position = log->written;
    log->synced_ns = seam_now_ns(log->seam);
    return true;
}

/* A second after the last one, and never two at a time. */
static void sync_behind(struct aof_log *log, const struct aof_worker_state *state)
{
    uint64_t now = seam_now_ns(log->seam);
    if (log->policy != AOF_EVERYSEC || log->held || state->syncing ||
        now - log->synced_ns < second_ns || (aof_log_synced(log) >= log->written && !state->error))
        return;
    log->synced_ns = now;
    aof_worker_sync(log->worker, log->file, log->written);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Whether the write is put off: it could wait for the sync as long as the disk does. */
static bool waits(struct aof_log *log, const struct aof_worker_state *state, bool now)
{
    if (now || log->policy != AOF_EVERYSEC || !state->syncing) {
        log->waits_since_ns = 0;
        return false;
    }
    uint64_t time = seam_now_ns(log->seam);
    if (log->waits_since_ns == 0)
        log->waits_since_ns = time;
    if (time - log->waits_since_ns < 2 * second_ns)
        return true;
    log->delayed++;
    log->waits_since_ns = 0;
    return false;
}

static void written(struct aof_log *log, size_t bytes)
{
    log->written += bytes;
    log->file_bytes += bytes;
    buffer_consume(&log->pending, bytes);
    if (log->pending.count == 0 && log->pending.capacity > PENDING_KEPT)
        buffer_release(&log->pending);
}

static bool write_pending(struct aof_log *log)
{
    const struct seam *seam = log->seam;
    size_t bytes;
    if (aof_write_all(seam, log->file, buffer_view(&log->pending), &bytes)) {
        written(log, bytes);
        log->error = 0;
        return true;
    }
    log->error = errno;
    if (bytes > 0 && seam->truncate(seam->context, log->file, log->file_bytes) != 0)
        written(log, bytes);
    return false;
}

static void tell_time(struct aof_log *log, enum aof_wait wait, uint64_t began_ns)
{
    if (log->took != NULL)
        log->took(log->took_context, wait, seam_now_ns(log->seam) - began_ns);
}

static uint64_t time_began(const struct aof_log *log)
{
    return log->took != NULL ? seam_now_ns(log->seam) : 0;
}

static bool write_timed(struct aof_log *log, bool syncing)
{
    uint64_t began_ns = time_began(log);
    bool wrote = write_pending(log);
    int error = errno;
    enum aof_wait wait = log->saving ? AOF_WRITE_WHILE_SAVING : AOF_WRITE_ALONE;
    tell_time(log, syncing ? AOF_WRITE_WHILE_SYNCING : wait, began_ns);
    errno = error;
    return wrote;
}

static bool sync_timed(struct aof_log *log)
{
    uint64_t began_ns = time_began(log);
    bool synced = aof_log_sync(log);
    int error = errno;
    tell_time(log, AOF_SYNC_ALWAYS, began_ns);
    errno = error;
    return synced;
}

/* A sync that failed where nothing is written any more would be told for ever. */
static void sync_again(struct aof_log *log)
{
    uint64_t now = seam_now_ns(log->seam);
    if (log->error == 0 || log->pending.count > 0 || now - log->failed_ns < second_ns)
        return;
    log->failed_ns = now;
    bool synced = aof_log_sync(log);
    (void)synced; /* the error says so */
}

enum aof_flush aof_log_flush(struct aof_log *log, bool now)
{
    ENSURE(!log->open);
    if (log->file < 0)
        return AOF_FLUSHED;
    struct aof_worker_state state = aof_worker_state(log->worker);
    bool some = log->pending.count > 0;
    if (some && waits(log, &state, now))
        return AOF_WAITS;
    if (some && !write_timed(log, state.syncing))
        return log->policy == AOF_ALWAYS ? AOF_FATAL : AOF_REFUSING;
    if (log->policy == AOF_ALWAYS && !log->held && log->sync_position < log->written &&
        !sync_timed(log))
        return AOF_FATAL;
    if (log->policy != AOF_ALWAYS)
        sync_again(log);
    sync_behind(log, &state);
    return state.error != 0 && log->policy == AOF_EVERYSEC ? AOF_REFUSING : AOF_FLUSHED;
}

bool aof_log_refuses(struct aof_log *log, int *error)
{
    int behind = log->policy == AOF_EVERYSEC ? aof_worker_state(log->worker).error : 0;
    *error = log->error != 0 ? log->error : behind;
    return *error != 0 || log->losses > log->mended;
}
