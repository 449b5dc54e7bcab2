/* Arguments of the process, as redis-server reads them. */
#include "harness.h"
#include "server/cmdline.h"
#include "server/demo.h"

#include <stdio.h>

struct row {
    const char *arguments[8];
    const char *options; /* '/' stands for the end of a line */
    bool standard_input;
    const char *path; /* NULL: none */
};

static void check_row(const struct row *row)
{
    char *argv[10] = { (char[]){ "snug-server" } };
    char copies[8][64], shown[256];
    int argc = 1;
    for (; argc <= 8 && row->arguments[argc - 1] != NULL; argc++) {
        (void)snprintf(copies[argc - 1], sizeof(copies[0]), "%s", row->arguments[argc - 1]);
        argv[argc] = copies[argc - 1];
    }
    struct cmdline cmdline;
    CHECK_EQ(cmdline_read(&cmdline, argc, argv), ERR_NONE);
    (void)snprintf(shown, sizeof(shown), "%.*s", (int)cmdline.options.count,
                   cmdline.options.count == 0 ? "" : (const char *)cmdline.options.at);
    for (char *at = shown; *at != '\0'; at++)
        *at = *at == '\n' ? '/' : *at;
    CHECKF(strcmp(shown, row->options) == 0, "[%s], not [%s]", shown, row->options);
    CHECKF(cmdline.standard_input == row->standard_input, "%s", row->options);
    CHECKF((cmdline.path.count == 0) == (row->path == NULL), "%s", row->options);
    if (row->path != NULL)
        CHECK_BYTES(bytes_of(cmdline.path.at, cmdline.path.count - 1), bytes_of_text(row->path));
    CHECK_EQ(cmdline.request, CMDLINE_SERVE);
    cmdline_release(&cmdline);
}

struct demo_row {
    const char *arguments[5];
    enum err err;
    uint64_t megabytes;
    const char *options;
};

static void check_demo(const struct demo_row *row)
{
    char copies[5][64], *argv[7] = { (char[]){ "snug-server" } };
    int argc = 1;
    for (; argc <= 5 && row->arguments[argc - 1] != NULL; argc++) {
        (void)snprintf(copies[argc - 1], sizeof(copies[0]), "%s", row->arguments[argc - 1]);
        argv[argc] = copies[argc - 1];
    }
    struct cmdline cmdline;
    CHECK_EQ(cmdline_read(&cmdline, argc, argv), row->err);
    if (row->err != ERR_NONE)
        return;
    CHECK_EQ(cmdline.request, CMDLINE_DEMO);
    CHECK_EQ(cmdline.megabytes, row->megabytes);
    CHECK_BYTES(buffer_view(&cmdline.options), bytes_of_text(row->options));
    cmdline_release(&cmdline);
}

TEST(conf_cmdline_takes_a_demo_and_its_size)
{
    static const struct demo_row rows[] = {
        { { "--demo" }, ERR_NONE, DEMO_MEGABYTES, "" },
        { { "--demo", "100" }, ERR_NONE, 100, "" },
        { { "--demo", "100", "--port", "7" }, ERR_NONE, 100, "port \"7\" " },
        { { "--demo", "--port", "7" }, ERR_NONE, DEMO_MEGABYTES, "port \"7\" " },
        { { "--demo", "15" }, ERR_RANGE, 0, "" },
        { { "--demo", "65537" }, ERR_RANGE, 0, "" },
        { { "--demo", "18446744073709551616" }, ERR_RANGE, 0, "" },
        { { "--demo", "x" }, ERR_RANGE, 0, "" },
        { { "--demo", "" }, ERR_RANGE, 0, "" },
    };
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++)
        check_demo(&rows[at]);
}

TEST(conf_cmdline_makes_lines_as_redis_does)
{
    static const struct row rows[] = {
        { { NULL }, "", false, NULL },
        { { "/f" }, "", false, "/f" },
        { { "--port", "7" }, "port \"7\" ", false, NULL },
        { { "--port 7", "--timeout", "5" }, "port 7 /timeout \"5\" ", false, NULL },
        { { "/f", "port", "7" }, "\"port\" \"7\" ", false, "/f" },
        { { "/f", "port", "7", "--timeout", "5" }, "\"port\" \"7\" /timeout \"5\" ", false, "/f" },
        { { "--bind", "127.0.0.1", "-::1" }, "bind \"127.0.0.1\" \"-::1\" ", false, NULL },
        { { "--requirepass", "--foo" }, "requirepass \"--foo\" ", false, NULL },
        { { "--requirepass", "--foo", "--port", "7" },
          "requirepass \"--foo\" /port \"7\" ",
          false,
          NULL },
        { { "--timeout", "--port" }, "timeout \"--port\" ", false, NULL },
        { { "--save", "" }, "save \"\" ", false, NULL },
        { { "--save" }, "save \"\"", false, NULL },
        { { "--SAVE", "--port", "7" }, "SAVE \"\"/port \"7\" ", false, NULL },
        { { "--save", "1", "2", "--save", "3", "4" },
          "save \"1\" \"2\" /save \"3\" \"4\" ",
          false,
          NULL },
        { { "--port" }, "port ", false, NULL },
        { { "--", "7" }, " \"7\" ", false, NULL },
        { { "-" }, "", true, NULL },
        { { "-", "--port", "7" }, "port \"7\" ", true, NULL },
        { { "--port", "7", "-" }, "port \"7\" ", true, NULL },
        { { "/f", "-" }, "", true, "/f" },
        { { "/f", "-", "--port", "7" }, "\"-\" /port \"7\" ", false, "/f" },
        { { "--port", "7", "-x", "5" }, "port \"7\" \"-x\" \"5\" ", false, NULL },
        { { "--requirepass", "a b\"c" }, "requirepass \"a b\\\"c\" ", false, NULL },
        { { "--port \"7", "--timeout", "5" }, "port \"7 /timeout \"5\" ", false, NULL },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_row(&rows[i]);
}

static enum cmdline_request request_of(const char *first, const char *second, uint64_t *megabytes)
{
    char a[32], b[32];
    char *argv[] = { (char[]){ "snug-server" }, a, b, NULL };
    (void)snprintf(a, sizeof(a), "%s", first);
    (void)snprintf(b, sizeof(b), "%s", second == NULL ? "" : second);
    struct cmdline cmdline;
    CHECK_EQ(cmdline_read(&cmdline, second == NULL ? 2 : 3, argv), ERR_NONE);
    *megabytes = cmdline.megabytes;
    cmdline_release(&cmdline);
    return cmdline.request;
}

TEST(conf_cmdline_knows_requests_by_the_first_argument)
{
    uint64_t megabytes;
    CHECK_EQ(request_of("-v", NULL, &megabytes), CMDLINE_VERSION);
    CHECK_EQ(request_of("--version", NULL, &megabytes), CMDLINE_VERSION);
    CHECK_EQ(request_of("-h", NULL, &megabytes), CMDLINE_HELP);
    CHECK_EQ(request_of("--help", "x", &megabytes), CMDLINE_HELP);
    CHECK_EQ(request_of("--check-system", NULL, &megabytes), CMDLINE_CHECK_SYSTEM);
    CHECK_EQ(request_of("--test-memory", "64", &megabytes), CMDLINE_TEST_MEMORY);
    CHECK_EQ(megabytes, 64);
    CHECK_EQ(request_of("--test-memory", NULL, &megabytes), CMDLINE_TEST_MEMORY);
    CHECK_EQ(megabytes, 0);
    CHECK_EQ(request_of("--test-memory", "x", &megabytes), CMDLINE_TEST_MEMORY);
    CHECK_EQ(megabytes, 0);
    CHECK_EQ(request_of("--versions", NULL, &megabytes), CMDLINE_SERVE);
}

TEST(conf_cmdline_makes_a_path_absolute)
{
    char *argv[] = { (char[]){ "snug-server" }, (char[]){ "./a.conf" }, NULL };
    struct cmdline cmdline;
    CHECK_EQ(cmdline_read(&cmdline, 2, argv), ERR_NONE);
    struct bytes path = bytes_of(cmdline.path.at, cmdline.path.count - 1);
    CHECK(path.at[0] == '/' && path.count > 7);
    CHECK_TEXT(bytes_of(path.at + path.count - 7, 7), "/a.conf");
    CHECK_EQ(cmdline.path.at[path.count], 0);
    cmdline_release(&cmdline);
}

TEST(conf_cmdline_tells_version_and_usage)
{
    struct buffer text = { 0 };
    CHECK(cmdline_version(&text));
    CHECK(memcmp(text.at, "Snug server v=" SNUG_VERSION " malloc=",
                 strlen("Snug server v=" SNUG_VERSION " malloc=")) == 0);
    text.count = 0;
    CHECK(cmdline_help(&text, "x%sx"));
    CHECK(memcmp(text.at, "Usage: x%sx [", 13) == 0);
    buffer_release(&text);
}
