/* Log lines and crash reports, read back from files. */
#include "harness.h"

#include "base/fault.h"
#include "os/crash.h"
#include "os/log.h"
#include "os/seam.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

/* A log file of its own for each test. */
struct fixture {
    struct seam seam;
    struct log log;
    char path[64];
    char text[64 * 1024];
};

static int64_t fixed_clock(void *context)
{
    (void)context;
    return INT64_C(1783246272) * 1000000 + 45678;
}

static void fixture_init(struct fixture *f)
{
    os_seam_init(&f->seam);
    f->seam.wall_us = fixed_clock;
    log_init(&f->log, &f->seam);
    snprintf(f->path, sizeof(f->path), "/tmp/snug-test-XXXXXX");
    int file = mkstemp(f->path);
    CHECK(file >= 0);
    close(file);
}

static const char *fixture_read(struct fixture *f)
{
    int file = open(f->path, O_RDONLY | O_CLOEXEC);
    CHECK(file >= 0);
    ssize_t count = read(file, f->text, sizeof(f->text) - 1);
    close(file);
    f->text[count < 0 ? 0 : count] = '\0';
    return f->text;
}

static void fixture_release(struct fixture *f)
{
    log_release(&f->log);
    unlink(f->path);
}

static enum err open_file(struct fixture *f)
{
    struct log_target target = { .path = f->path, .ident = "snug", .facility = LOG_LOCAL0 };
    return log_open(&f->log, &target);
}

TEST(log_lines_have_the_format_of_redis)
{
    static struct fixture f;
    fixture_init(&f);
    setenv("TZ", "UTC", 1);
    CHECK_EQ(open_file(&f), ERR_NONE);
    log_write(&f.log, LOG_LEVEL_NOTICE, "ready on port %d", 6379);
    f.log.role = 'S';
    log_write(&f.log, LOG_LEVEL_WARNING, "evil\r\n1:M line\x1b[0m");
    char wanted[256];
    snprintf(wanted, sizeof(wanted),
             "%d:M 05 Jul 2026 10:11:12.045 * ready on port 6379\n"
             "%d:S 05 Jul 2026 10:11:12.045 # evil??1:M line?[0m\n",
             (int)getpid(), (int)getpid());
    CHECK_BYTES(bytes_of_text(fixture_read(&f)), bytes_of_text(wanted));
    fixture_release(&f);
}

TEST(log_leaves_out_what_is_below_its_level)
{
    static struct fixture f;
    fixture_init(&f);
    CHECK_EQ(open_file(&f), ERR_NONE);
    f.log.level = LOG_LEVEL_WARNING;
    log_write(&f.log, LOG_LEVEL_NOTICE, "not this");
    log_plain(&f.log, LOG_LEVEL_NOTICE, "nor this\n");
    log_plain(&f.log, LOG_LEVEL_WARNING, "this\n");
    f.log.level = LOG_LEVEL_NOTHING;
    log_write(&f.log, LOG_LEVEL_WARNING, "nor that");
    CHECK_BYTES(bytes_of_text(fixture_read(&f)), BYTES("this\n"));
    fixture_release(&f);
}

TEST(log_cuts_long_lines_and_writes_them_whole_in_pieces)
{
    static struct fixture f;
    fixture_init(&f);
    struct fault_seam trickling;
    fault_seam_init(&trickling, &f.seam);
    fault_seam_plan(&trickling, &(struct fault_plan){ .trickle = true });
    f.log.seam = &trickling.seam;
    CHECK_EQ(open_file(&f), ERR_NONE);
    log_write(&f.log, LOG_LEVEL_NOTICE, "%05000d", 1);
    const char *text = fixture_read(&f);
    size_t count = strlen(text);
    CHECK(count > 2000 && count < LOG_LINE_MAX + 80 && text[count - 1] == '\n');
    fixture_release(&f);
}

TEST(log_stays_where_it_was_when_the_new_file_cannot_be_opened)
{
    static struct fixture f;
    fixture_init(&f);
    CHECK_EQ(open_file(&f), ERR_NONE);
    struct log_target target = { .path = "/nonexistent/log", .ident = "" };
    CHECK_EQ(log_open(&f.log, &target), ERR_SYSTEM);
    CHECK_EQ(errno, ENOENT);
    log_write(&f.log, LOG_LEVEL_NOTICE, "still here");
    CHECK(strstr(fixture_read(&f), "still here") != NULL);
    fixture_release(&f);
}

TEST(log_follows_a_renamed_file_to_its_successor)
{
    static struct fixture f;
    fixture_init(&f);
    CHECK_EQ(open_file(&f), ERR_NONE);
    log_write(&f.log, LOG_LEVEL_NOTICE, "before");
    CHECK(unlink(f.path) == 0);
    log_write(&f.log, LOG_LEVEL_NOTICE, "after");
    CHECK(strstr(fixture_read(&f), "before") == NULL);
    CHECK(strstr(f.text, "after") != NULL);
    fixture_release(&f);
}

static void add_text(void *context, int file)
{
    CHECK(write(file, context, strlen(context)) > 0);
}

static void add_crash(void *context, int file)
{
    add_text(context, file);
    raise(SIGBUS);
}

/* Crashes in a child with a report to the fixture's file; returns the signal it ended by. */
static int crash_by(struct fixture *f, int number, void (*add)(void *context, int file))
{
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct crash_settings settings = { "Snug test", f->path, add, "added text\n" };
        if (!crash_install(&settings))
            _exit(0);
        raise(number);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(crash_report_is_written_and_the_signal_takes_its_course)
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        static struct fixture f;
        fixture_init(&f);
        CHECK_EQ(crash_by(&f, signals[i], add_text), signals[i]);
        const char *text = fixture_read(&f);
        CHECK(strstr(text, "version: Snug test") != NULL);
        CHECK(strstr(text, "REGISTERS") != NULL && strstr(text, "STACK TRACE") != NULL);
        CHECK(strstr(text, "added text") != NULL && strstr(text, "REPORT ENDS") != NULL);
        fixture_release(&f);
    }
}

TEST(crash_within_the_report_ends_it)
{
    static struct fixture f;
    fixture_init(&f);
    CHECK_EQ(crash_by(&f, SIGSEGV, add_crash), SIGBUS);
    CHECK(strstr(fixture_read(&f), "added text") != NULL);
    CHECK(strstr(f.text, "REPORT ENDS") == NULL);
    fixture_release(&f);
}
