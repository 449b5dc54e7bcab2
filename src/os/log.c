#include "os/log.h"

#include "base/bytes.h"
#include "base/memory.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

void log_init(struct log *log, const struct seam *seam)
{
    *log = (struct log){ .seam = seam, .level = LOG_LEVEL_NOTICE, .role = 'M' };
}

static void drop_target(struct log *log)
{
    if (log->to_syslog)
        closelog();
    memory_give(log->path);
    memory_give(log->ident);
    log->to_syslog = false;
    log->path = log->ident = NULL;
}

void log_release(struct log *log)
{
    drop_target(log);
}

static int open_append(const struct seam *seam, const char *path)
{
    return seam->open(seam->context, path, O_WRONLY | O_APPEND | O_CREAT, 0644);
}

static char *copy_of(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = memory_take(bytes);
    if (copy != NULL)
        memcpy(copy, text, bytes);
    return copy;
}

enum err log_open(struct log *log, const struct log_target *target)
{
    struct log next = *log;
    next.path = next.ident = NULL;
    next.to_syslog = target->to_syslog;
    if (target->path[0] != '\0') {
        int file = open_append(log->seam, target->path);
        if (file < 0)
            return ERR_SYSTEM;
        log->seam->close(log->seam->context, file);
        next.path = copy_of(target->path);
        if (next.path == NULL)
            return ERR_MEMORY;
    }
    if (target->to_syslog) {
        next.ident = copy_of(target->ident);
        if (next.ident == NULL) {
            memory_give(next.path);
            return ERR_MEMORY;
        }
    }
    drop_target(log);
    *log = next;
    if (log->to_syslog)
        openlog(log->ident, LOG_PID | LOG_NDELAY | LOG_NOWAIT, target->facility);
    return ERR_NONE;
}

/* One write for a whole line: with O_APPEND, lines of several threads do not mix. What a write
 * leaves over is written after it. */
static void put(struct log *log, const char *text, size_t count)
{
    const struct seam *seam = log->seam;
    int file = log->path == NULL ? STDOUT_FILENO : open_append(seam, log->path);
    if (file < 0)
        return;
    while (count > 0) {
        ssize_t written = seam->write(seam->context, file, text, count);
        if (written <= 0)
            break;
        text += written;
        count -= (size_t)written;
    }
    if (log->path != NULL)
        seam->close(seam->context, file);
}

/* "123:M 05 Jul 2026 10:11:12.345 * ". The names of months are those of the C locale. */
static size_t write_prefix(const struct log *log, enum log_level level, char *at, size_t room)
{
    static const char marks[] = ".-*#";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t wall_us = log->seam->wall_us(log->seam->context);
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm local = { 0 };
    localtime_r(&seconds, &local);
    int length =
        snprintf(at, room, "%d:%c %02d %.3s %d %02d:%02d:%02d.%03d %c ", (int)getpid(), log->role,
                 local.tm_mday, months + 3 * local.tm_mon, local.tm_year + 1900, local.tm_hour,
                 local.tm_min, local.tm_sec, (int)(wall_us / 1000 % 1000), marks[level]);
    return length < 0 ? 0 : (size_t)length;
}

static void blank_controls(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
    }
}

static void put_syslog(enum log_level level, const char *text)
{
    static const int priorities[] = { LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING };
    syslog(priorities[level], "%s", text);
}

void log_write(struct log *log, enum log_level level, const char *format, ...)
{
    enum { PREFIX_MAX = 80 };
    if (level < log->level || level >= LOG_LEVEL_NOTHING)
        return;
    char line[PREFIX_MAX + LOG_LINE_MAX + 1];
    size_t count = write_prefix(log, level, line, PREFIX_MAX);
    char *text = line + count;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, LOG_LINE_MAX, format, arguments);
    va_end(arguments);
    blank_controls(text);
    if (log->to_syslog)
        put_syslog(level, text);
    count += strlen(text);
    line[count++] = '\n';
    put(log, line, count);
}

void log_plain(struct log *log, enum log_level level, const char *text)
{
    if (level >= log->level && level < LOG_LEVEL_NOTHING)
        put(log, text, strlen(text));
}
