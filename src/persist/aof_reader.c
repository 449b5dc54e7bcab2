#include "persist/aof_reader.h"
#include "base/number.h"

#include <errno.h>

enum { WINDOW_STEP = 64 * 1024 };

/* Where an argument stands in the window, whose memory may move until the command is whole. */
struct word {
    size_t offset, count;
};

void aof_reader_init(struct aof_reader *reader, const struct aof_source *source)
{
    *reader = (struct aof_reader){ .source = *source };
}

void aof_reader_release(struct aof_reader *reader)
{
    buffer_release(&reader->window);
    buffer_release(&reader->words);
    buffer_release(&reader->views);
}

/* --- the window ------------------------------------------------------------------------------- */

static uint64_t offset_of(const struct aof_reader *reader)
{
    return reader->start + reader->at;
}

/* Drops what was told, so that the command under way begins the window. */
static void forget(struct aof_reader *reader, size_t bytes)
{
    if (bytes == 0)
        return;
    buffer_consume(&reader->window, bytes);
    reader->start += bytes;
    reader->at -= bytes;
}

/* One more read; false: nothing came, and one of the flags says why. */
static bool fill(struct aof_reader *reader)
{
    struct buffer *window = &reader->window;
    if (reader->ended || reader->failed)
        return false;
    if (!buffer_reserve(window, WINDOW_STEP)) {
        reader->starved = true;
        return false;
    }
    for (;;) {
        ssize_t got =
            reader->source.read(reader->source.context, window->at + window->count, WINDOW_STEP);
        if (got < 0 && errno == EINTR)
            continue;
        reader->failed = got < 0;
        reader->ended = got == 0;
        window->count += got > 0 ? (size_t)got : 0;
        return got > 0;
    }
}

/* At least `bytes` from `at` on. */
static bool have(struct aof_reader *reader, size_t bytes)
{
    while (reader->window.count - reader->at < bytes) {
        if (!fill(reader))
            return false;
    }
    return true;
}

/* Why there is no more: within something that has begun. */
static enum aof_result why_not(const struct aof_reader *reader)
{
    if (reader->starved)
        return AOF_NO_MEMORY;
    return reader->failed ? AOF_UNREADABLE : AOF_CUT;
}

static enum aof_result bad(struct aof_reader *reader, uint64_t offset, const char *reason)
{
    reader->bad = offset;
    reader->reason = reason;
    return AOF_BAD;
}

/* --- lines ------------------------------------------------------------------------------------ */

/* A line without its end; *view is in the window. */
static enum aof_result take_line(struct aof_reader *reader, struct bytes *view)
{
    size_t looked = 0;
    for (;;) {
        const uint8_t *from = reader->window.at + reader->at;
        size_t there = reader->window.count - reader->at;
        const uint8_t *end = looked < there ? memchr(from + looked, '\n', there - looked) : NULL;
        if (end != NULL && end - from < AOF_LINE_MAX) {
            size_t count = (size_t)(end - from);
            reader->at += count + 1;
            *view = bytes_of(from, count);
            return AOF_COMMAND;
        }
        if (there >= AOF_LINE_MAX)
            return bad(reader, offset_of(reader), "a line is too long");
        looked = there;
        if (!fill(reader))
            return why_not(reader);
    }
}

/* `*N` or `$N` with N from `least` to `most`. */
static enum aof_result take_number(struct aof_reader *reader, char mark, int64_t least,
                                   int64_t most, int64_t *number)
{
    struct bytes line;
    uint64_t offset = offset_of(reader);
    enum aof_result result = take_line(reader, &line);
    if (result != AOF_COMMAND)
        return result;
    if (line.count == 0 || line.at[0] != (uint8_t)mark)
        return bad(reader, offset, mark == '*' ? "expected '*'" : "expected '$'");
    if (line.at[line.count - 1] != '\r')
        return bad(reader, offset + line.count, "expected \\r\\n");
    if (!number_read_i64(bytes_of(line.at + 1, line.count - 2), number) || *number < least ||
        *number > most)
        return bad(reader, offset,
                   mark == '*' ? "a count of arguments that cannot be" : "a length that cannot be");
    return AOF_COMMAND;
}

static enum aof_result take_note(struct aof_reader *reader)
{
    enum aof_result result = take_line(reader, &reader->note);
    if (result != AOF_COMMAND)
        return result;
    struct bytes note = bytes_of(reader->note.at + 1, reader->note.count - 1);
    if (note.count > 0 && note.at[note.count - 1] == '\r')
        note.count--;
    reader->note = note;
    reader->whole = offset_of(reader);
    return AOF_NOTE;
}

/* --- commands --------------------------------------------------------------------------------- */

static enum aof_result take_argument(struct aof_reader *reader)
{
    int64_t length;
    enum aof_result result = take_number(reader, '$', 0, INT64_MAX / 4, &length);
    if (result != AOF_COMMAND)
        return result;
    struct word word = { reader->at, (size_t)length };
    if (!have(reader, word.count + 2))
        return why_not(reader);
    const uint8_t *end = reader->window.at + reader->at + word.count;
    if (end[0] != '\r' || end[1] != '\n')
        return bad(reader, offset_of(reader) + word.count, "expected \\r\\n");
    reader->at += word.count + 2;
    return buffer_append(&reader->words, bytes_of(&word, sizeof word)) ? AOF_COMMAND
                                                                       : AOF_NO_MEMORY;
}

/* The window holds the whole command: arguments have addresses now. */
static enum aof_result settle(struct aof_reader *reader, uint32_t count)
{
    const struct word *words = (const void *)reader->words.at;
    reader->views.count = 0;
    if (!buffer_reserve(&reader->views, count * sizeof(struct bytes)))
        return AOF_NO_MEMORY;
    reader->argv = (void *)reader->views.at;
    reader->argc = count;
    for (uint32_t i = 0; i < count; i++)
        reader->argv[i] = bytes_of(reader->window.at + words[i].offset, words[i].count);
    reader->whole = offset_of(reader);
    return AOF_COMMAND;
}

enum aof_result aof_reader_next(struct aof_reader *reader)
{
    int64_t count;
    /* What was told is dropped when it fills the window, not one by one. */
    if (reader->at >= WINDOW_STEP || reader->at == reader->window.count)
        forget(reader, reader->at);
    if (!have(reader, 1)) {
        enum aof_result result = why_not(reader);
        return result == AOF_CUT ? AOF_END : result;
    }
    if (reader->window.at[reader->at] == '#')
        return take_note(reader);
    if (reader->window.at[reader->at] != '*')
        return bad(reader, offset_of(reader), "expected '*'");
    reader->words.count = 0;
    enum aof_result result = take_number(reader, '*', 1, AOF_ARGUMENTS_MAX, &count);
    for (int64_t i = 0; i < count && result == AOF_COMMAND; i++)
        result = take_argument(reader);
    return result == AOF_COMMAND ? settle(reader, (uint32_t)count) : result;
}

/* --- a snapshot in front ---------------------------------------------------------------------- */

static bool rdb_read(void *context, void *at, size_t bytes)
{
    struct aof_reader *reader = context;
    uint8_t *to = at;
    while (bytes > 0) {
        size_t there = reader->window.count - reader->at;
        if (there == 0) {
            forget(reader, reader->at);
            if (!fill(reader))
                return false;
            continue;
        }
        size_t part = there < bytes ? there : bytes;
        memcpy(to, reader->window.at + reader->at, part);
        to += part;
        bytes -= part;
        reader->at += part;
    }
    reader->whole = offset_of(reader);
    return true;
}

static uint64_t rdb_left(void *context)
{
    const struct aof_reader *reader = context;
    uint64_t offset = offset_of(reader);
    if (reader->source.bytes == UINT64_MAX)
        return UINT64_MAX;
    return reader->source.bytes > offset ? reader->source.bytes - offset : 0;
}

struct rdb_source aof_reader_rdb(struct aof_reader *reader)
{
    return (struct rdb_source){ rdb_read, rdb_left, reader };
}

bool aof_reader_is_rdb(struct aof_reader *reader)
{
    return have(reader, 5) && memcmp(reader->window.at + reader->at, "REDIS", 5) == 0;
}
