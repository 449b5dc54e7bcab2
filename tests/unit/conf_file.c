/* Configuration files: what is read, what is refused and how it is told. */
#include "conf/file.h"
#include "conf_world.h"
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* One load in a world of files. */
struct load {
    struct world world;
    struct config config;
    struct conf_report report;
    enum err err;
};

static struct load *begin(void)
{
    struct load *load = calloc(1, sizeof(*load));
    CHECK(load != NULL);
    world_init(&load->world);
    CHECK_EQ(config_init(&load->config), ERR_NONE);
    return load;
}

static void run(struct load *load, const char *path, bool standard_input, const char *options)
{
    const struct conf_source source = { .seam = &load->world.seam,
                                        .host = &load->world.host,
                                        .path = path,
                                        .standard_input = standard_input,
                                        .options = bytes_of_text(options) };
    load->err = conf_load(&source, &load->config, &load->report);
}

static void done(struct load *load)
{
    conf_report_release(&load->report);
    config_release(&load->config);
    world_release(&load->world);
    free(load);
}

static struct load *loaded(const char *text)
{
    struct load *load = begin();
    world_put(&load->world, "/f", bytes_of_text(text));
    run(load, "/f", false, "");
    return load;
}

TEST(conf_file_sets_what_its_lines_say)
{
    struct load *load = loaded("# a comment\n"
                               "\r\n"
                               "  PORT\t7001  \r\n"
                               "bind 127.0.0.1 -::1\n"
                               "bind \"10.0.0.1 10.0.0.2\"\n"
                               "requirepass \"a b\\x00\\n\"\n"
                               "save 100 1\n"
                               "save 50 2 40 3\n"
                               "client-output-buffer-limit normal 1mb 1kb 5\n"
                               "client-output-buffer-limit pubsub 0 0 0\n"
                               "rename-command FLUSHALL \"\"\n"
                               "rename-command GET 'fetch it'\n"
                               "list-max-ziplist-entries 512\n"
                               "slave-priority 7\n"
                               "dir sub\n"
                               "port 7002"
                               "");
    struct config *config = &load->config;
    CHECKF(load->err == ERR_NONE, "%.*s", (int)load->report.fatal.count,
           (const char *)load->report.fatal.at);
    CHECK_EQ(config->port, 7002);
    CHECK_EQ(config->bind.count, 2);
    CHECK_TEXT(config_text_view(&config->bind.addresses[1]), "10.0.0.2");
    CHECK_BYTES(config_text_view(&config->requirepass), BYTES("a b\0\n"));
    CHECK_EQ(config->save.count, 3);
    CHECK_EQ(config->save.points[2].seconds, 40);
    CHECK_EQ(config->client_output_buffer_limit[CONFIG_CLIENT_NORMAL].hard_bytes, 1 << 20);
    CHECK_EQ(config->client_output_buffer_limit[CONFIG_CLIENT_PUBSUB].hard_bytes, 0);
    CHECK_EQ(config->client_output_buffer_limit[CONFIG_CLIENT_REPLICA].hard_bytes, 256 << 20);
    CHECK_EQ(config->renames.count, 2);
    CHECK_TEXT(config_text_view(&config->renames.items[1].to), "fetch it");
    CHECK_TEXT(config_text_view(&config->file), "/f");
    CHECK_TEXT(config_text_view(&config->dir), "/w/sub");
    CHECK_TEXT(
        buffer_view(&load->report.warnings),
        "Option 'replica-priority' is set but has no effect: this version does not use it.\n");
    done(load);
}

#define BLOCK "\n*** FATAL CONFIG FILE ERROR (Snug " SNUG_VERSION ") ***\n"
#define AT(line) BLOCK "Reading the configuration file, at line " #line "\n>>> '"
#define BAD "'\nBad directive or wrong number of arguments\n"

/* The same blocks as redis-server prints, but for the name and for what does not exist here. */
TEST(conf_file_errors_name_line_and_reason)
{
    static const struct {
        const char *text, *fatal;
    } rows[] = {
        { "# c\n\nport 7\nbogus x", AT(4) "bogus x" BAD },
        { "port 7\n  port \"74 \n", AT(2) "port \"74'\nUnbalanced quotes in configuration line\n" },
        { "port abc", AT(1) "port abc'\nargument couldn't be parsed into an integer\n" },
        { "port 1 2", AT(1) "port 1 2'\nwrong number of arguments\n" },
        { "port", AT(1) "port'\nwrong number of arguments\n" },
        { "include", AT(1) "include" BAD },
        { "include a b", AT(1) "include a b" BAD },
        { "include \"a\\x00b\"", AT(1) "include \"a\\x00b\"'\nInvalid file name\n" },
        { "loadmodule", AT(1) "loadmodule" BAD },
        { "loadmodule /a.so", AT(1) "loadmodule /a.so'\nmodules are not supported\n" },
        { "a.b", AT(1) "a.b'\nModule config specified without value\n" },
        { "a.b c", AT(1) "a.b c'\nmodules are not supported\n" },
        { "user", AT(1) "user" BAD },
        { "user x on", AT(1) "user x on'\nthere are no users here\n" },
        { "sentinel x y", AT(1) "sentinel x y'\nsentinel directive while not in sentinel mode\n" },
        { "rename-command a", AT(1) "rename-command a" BAD },
        { "save 1 2 3", AT(1) "save 1 2 3'\nInvalid save parameters\n" },
        { "save \"\" \"\"", AT(1) "save \"\" \"\"'\nInvalid save parameters\n" },
        { "dir /nowhere", AT(1) "dir /nowhere'\nNo such file or directory\n" },
        { "list-max-ziplist-entries", AT(1) "list-max-ziplist-entries" BAD },
        { "\"\" x", AT(1) "\"\" x" BAD },
        { "cluster-enabled yes\nreplicaof a 1",
          BLOCK "replicaof directive not allowed in cluster mode\n" },
        { "include /g", AT(2) "port x'\nargument couldn't be parsed into an integer\n" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct load *load = begin();
        world_put(&load->world, "/f", bytes_of_text(rows[i].text));
        world_put(&load->world, "/g", BYTES("#\nport x\n"));
        run(load, "/f", false, "");
        CHECKF(load->err != ERR_NONE && !load->report.unreadable, "%s", rows[i].text);
        CHECK_BYTES(buffer_view(&load->report.fatal), bytes_of_text(rows[i].fatal));
        done(load);
    }
}

TEST(conf_file_refuses_a_raw_zero_byte)
{
    struct load *load = begin();
    world_put(&load->world, "/f", BYTES("port 1\nport \0 2\n"));
    run(load, "/f", false, "");
    CHECK_EQ(load->err, ERR_SYNTAX);
    CHECK_BYTES(buffer_view(&load->report.fatal),
                BYTES(AT(2) "port \0 2'\nZero byte in configuration line\n"));
    done(load);
}

TEST(conf_lines_of_file_stdin_and_options_run_on)
{
    struct load *load = begin();
    world_put(&load->world, "/f", BYTES("port 1\ntimeout 1\ntcp-backlog 1\n"));
    world_put(&load->world, "-", BYTES("timeout 2\ntcp-backlog 2\n"));
    run(load, "/f", true, "tcp-backlog \"3\" ");
    CHECK_EQ(load->err, ERR_NONE);
    CHECK_EQ(load->config.port, 1);
    CHECK_EQ(load->config.timeout, 2);
    CHECK_EQ(load->config.tcp_backlog, 3);
    done(load);
    load = begin();
    world_put(&load->world, "/f", BYTES("port 1\n"));
    run(load, "/f", false, "timeout \"x\" ");
    CHECK_BYTES(buffer_view(&load->report.fatal),
                BYTES(AT(3) "timeout \"x\"'\nargument couldn't be parsed into an integer\n"));
    done(load);
}

TEST(conf_save_lines_add_up_and_an_empty_one_clears)
{
    static const struct {
        const char *text, *save;
    } rows[] = {
        { "port 1", "3600 1 300 100 60 10000" },
        { "save 100 1\nsave 50 2", "100 1 50 2" },
        { "save 100 1\nsave \"\"", "" },
        { "save \"\"\nsave 50 2", "50 2" },
        { "save \"100 1 50 2\"", "100 1 50 2" },
        { "save", "" },
        { "save 1 1\ninclude /g\nsave 3 3", "1 1 2 2 3 3" }, /* Redis forgets what came before */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct load *load = begin();
        struct buffer text = { 0 };
        world_put(&load->world, "/f", bytes_of_text(rows[i].text));
        world_put(&load->world, "/g", BYTES("save 2 2"));
        run(load, "/f", false, "");
        CHECKF(load->err == ERR_NONE, "%s", rows[i].text);
        CHECK(option_get(option_find(BYTES("save")), &load->config, &text));
        CHECK_BYTES(buffer_view(&text), bytes_of_text(rows[i].save));
        CHECKF(load->report.warnings.count == 0, "%s", rows[i].text);
        buffer_release(&text);
        done(load);
    }
}

TEST(conf_save_points_are_bounded)
{
    struct buffer text = { 0 };
    for (int i = 0; i < CONFIG_SAVE_MAX + 1; i++)
        CHECK(buffer_append_text(&text, "save 1 1\n"));
    CHECK(buffer_append_byte(&text, '\0'));
    struct load *load = loaded((const char *)text.at);
    CHECK_EQ(load->err, ERR_LIMIT);
    done(load);
    buffer_release(&text);
}

TEST(conf_includes_are_read_in_place)
{
    struct load *load = begin();
    world_put(&load->world, "/f", BYTES("port 1\ninclude /d/*.conf\ninclude /none*\ntimeout 9"));
    world_put(&load->world, "/d/a.conf", BYTES("port 2\ntimeout 2"));
    world_put(&load->world, "/d/b.conf", BYTES("port 3"));
    world_put(&load->world, "/d/c.off", BYTES("port 4"));
    run(load, "/f", false, "");
    CHECK_EQ(load->err, ERR_NONE);
    CHECK_EQ(load->config.port, 3);
    CHECK_EQ(load->config.timeout, 9);
    done(load);
}

TEST(conf_unreadable_files_are_named)
{
    struct load *load = loaded("include /gone");
    CHECK_EQ(load->err, ERR_SYSTEM);
    CHECK(load->report.unreadable);
    CHECK_TEXT(buffer_view(&load->report.fatal),
               "Fatal error, can't open config file '/gone': No such file or directory");
    done(load);
    load = begin();
    run(load, "/f", false, "");
    CHECK_TEXT(buffer_view(&load->report.fatal),
               "Fatal error, can't open config file '/f': No such file or directory");
    done(load);
}

TEST(conf_includes_of_oneself_end)
{
    struct load *load = loaded("include /f");
    CHECK_EQ(load->err, ERR_LIMIT);
    CHECK_TEXT(buffer_view(&load->report.fatal),
               "Fatal error, can't open config file '/f': too many included files");
    done(load);
    load = loaded("include /f*\ninclude /f\n");
    CHECK_EQ(load->err, ERR_LIMIT);
    done(load);
}

TEST(conf_text_and_lines_are_bounded)
{
    struct load *load = begin();
    struct buffer text = { 0 };
    CHECK(buffer_append_text(&text, "logfile "));
    while (text.count <= CONF_LINE_MAX)
        CHECK(buffer_append_byte(&text, 'x'));
    world_put(&load->world, "/f", buffer_view(&text));
    run(load, "/f", false, "");
    CHECK_EQ(load->err, ERR_LIMIT);
    CHECK(load->report.fatal.count < 2 * CONF_LINE_MAX);
    done(load);
    load = begin();
    while (text.count <= CONF_FILE_MAX + 1)
        CHECK(buffer_append(&text, BYTES("#1234567890123456789012345678901234567890\n")));
    world_put(&load->world, "/f", buffer_view(&text));
    run(load, "/f", false, "");
    CHECK_EQ(load->err, ERR_LIMIT);
    CHECK_TEXT(buffer_view(&load->report.fatal),
               "Fatal error, can't open config file '/f': it is too large");
    done(load);
    buffer_release(&text);
}

TEST(conf_a_log_that_cannot_be_opened_ends_the_start)
{
    struct load *load = begin();
    load->world.fail_at = 4; /* open, read, read, close, and then the log */
    load->world.error = EACCES;
    world_put(&load->world, "/f", BYTES("logfile /log\n"));
    run(load, "/f", false, "");
    CHECK_TEXT(buffer_view(&load->report.fatal),
               BLOCK "Can't open the log file: Permission denied\n");
    done(load);
}

static const char *refuse(void *context, const struct config_renames *before, struct bytes from,
                          struct bytes to)
{
    (void)context;
    if (before->count == 1 && bytes_is(config_text_view(&before->items[0].to), "x"))
        return "Target command name already exists";
    return bytes_is(from, "get") && bytes_is(to, "x") ? NULL : "No such command in rename-command";
}

TEST(conf_renames_are_checked_by_whom_knows_commands)
{
    struct load *load = begin();
    world_put(&load->world, "/f", BYTES("rename-command get x\nrename-command set x\n"));
    const struct conf_source source = { .seam = &load->world.seam,
                                        .path = "/f",
                                        .refuse_rename = refuse };
    CHECK_EQ(conf_load(&source, &load->config, &load->report), ERR_SYNTAX);
    CHECK_TEXT(buffer_view(&load->report.fatal),
               AT(2) "rename-command set x'\nTarget command name already exists\n");
    done(load);
}

/* Every call of the system fails in turn: an error that is told, or, for a close, none. */
TEST(conf_load_survives_every_failing_call)
{
    int calls = 1;
    for (int i = 0; i < calls; i++) {
        struct load *load = begin();
        load->world.fail_at = i;
        world_put(&load->world, "/f", BYTES("port 1\ninclude /g\nlogfile /log\n"));
        world_put(&load->world, "/g", BYTES("timeout 2\n"));
        world_put(&load->world, "-", BYTES("hz 2\n"));
        run(load, "/f", true, "timeout 3");
        CHECK((load->err == ERR_NONE) == (load->report.fatal.count == 0));
        if (load->err == ERR_NONE)
            CHECK_EQ(load->config.timeout, 3);
        calls = i == 0 ? 14 : calls;
        CHECK(load->world.calls <= calls);
        done(load);
    }
}

TEST(conf_warnings_name_only_what_is_missed)
{
    struct load *load = loaded("appendonly no\nsave \"\"\nhash-max-listpack-entries 512\n"
                               "lua-time-limit 5000\nmaxmemory 0\nport 5\nactivedefrag no\n");
    CHECK_EQ(load->err, ERR_NONE);
    CHECK_TEXT(buffer_view(&load->report.warnings), "");
    done(load);
    load = loaded("appendonly yes\nslaveof a 1\nmaxmemory 1gb\ntls-client-key-file-pass secret\n");
    CHECK_EQ(load->err, ERR_NONE);
    CHECK_TEXT(
        buffer_view(&load->report.warnings),
        "Option 'replicaof' is set but has no effect: this version does not use it.\n"
        "Option 'tls-client-key-file-pass' is set but has no effect: this version does not use "
        "it.\n");
    done(load);
}
