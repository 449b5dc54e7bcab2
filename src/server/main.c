/* From the command line to the loop, and from the loop to the exit code. */
#include "base/memory.h"
#include "cmd/users_file.h"
#include "os/crash.h"
#include "os/daemon.h"
#include "os/process.h"
#include "os/seam.h"
#include "server/demo.h"
#include "server/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print(FILE *file, const struct buffer *text)
{
    fwrite(text->at, 1, text->count, file);
}

/* The requests that end at once; -1: serve. */
static int answer_request(const struct server *server, const char *program)
{
    struct buffer text = { 0 };
    int code = 0;
    switch (server->cmdline.request) {
    case CMDLINE_VERSION:
        if (cmdline_version(&text))
            print(stdout, &text);
        break;
    case CMDLINE_HELP:
        if (cmdline_help(&text, program))
            print(stderr, &text);
        code = 1;
        break;
    case CMDLINE_TEST_MEMORY:
        code = cmdline_test_memory(server->cmdline.megabytes);
        break;
    case CMDLINE_CHECK_SYSTEM:
        code = cmdline_check_system();
        break;
    case CMDLINE_DEMO:
    case CMDLINE_SERVE:
        code = -1;
        break;
    }
    buffer_release(&text);
    return code;
}

/* Renamings take effect as they are read, so that the line that fails is the one shown. */
static const char *rename_command(void *context, const struct config_renames *before,
                                  struct bytes from, struct bytes to)
{
    struct server *server = context;
    (void)before;
    switch (cmd_table_rename(server->table, from, to)) {
    case ERR_NONE:
        return NULL;
    case ERR_MISSING:
        return "No such command in rename-command";
    case ERR_EXISTS:
        return "Target command name already exists";
    case ERR_MEMORY:
    case ERR_RANGE:
    case ERR_SYNTAX:
    case ERR_TYPE:
    case ERR_SYSTEM:
    case ERR_LIMIT:
    default:
        return "Out of memory";
    }
}

static enum err declare_user(void *context, const struct bytes *words, size_t count,
                             struct option_reason *reason)
{
    struct server *server = context;
    return users_declare(server->users, words, count, reason);
}

/* Users of the configuration file, or of a file of their own. */
static bool load_users(struct server *server)
{
    const char *path = server->config.aclfile.at;
    bool has_file = server->config.aclfile.count > 0;
    struct buffer error = { 0 };
    bool loaded = false;
    if (has_file && users_are_declared(server->users))
        log_write(&server->log, LOG_LEVEL_WARNING,
                  "Configuring Snug with users defined in its configuration file and at the same "
                  "time setting an ACL file path is invalid. This setup is very likely to lead to "
                  "configuration errors and security holes, please define either an ACL file or "
                  "declare users directly in the configuration file, but not both.");
    else if (!users_apply_declared(server->users, &error) ||
             (has_file && !users_load(server->users, &server->seam, path, NULL, &error)))
        log_write(&server->log, LOG_LEVEL_WARNING, "Aborting startup because of ACL errors: %.*s",
                  (int)error.count, error.count > 0 ? (const char *)error.at : "");
    else
        loaded = true;
    buffer_release(&error);
    return loaded;
}

static bool load_config(struct server *server)
{
    struct conf_source source = { .seam = &server->seam,
                                  .host = &conf_host_real,
                                  .standard_input = server->cmdline.standard_input,
                                  .options = buffer_view(&server->cmdline.options),
                                  .refuse_rename = rename_command,
                                  .declare_user = declare_user,
                                  .context = server };
    if (server->cmdline.path.count > 0)
        source.path = (const char *)server->cmdline.path.at;
    server->table = cmd_table_new(cmd_groups);
    if (server->table == NULL || config_init(&server->config) != ERR_NONE)
        return false;
    server->users = users_new(server->table, &server->config);
    if (server->users == NULL)
        return false;
    if (conf_load(&source, &server->config, &server->report) == ERR_NONE)
        return true;
    if (server->report.unreadable)
        log_write(&server->log, LOG_LEVEL_WARNING, "%.*s", (int)server->report.fatal.count,
                  (const char *)server->report.fatal.at);
    else
        print(stderr, &server->report.fatal);
    return false;
}

static bool open_log(struct server *server)
{
    const struct config *config = &server->config;
    struct log_target target = { .path = config->logfile.at,
                                 .to_syslog = config->syslog_enabled,
                                 .ident = config->syslog_ident.at,
                                 .facility = config->syslog_facility };
    server->log.level = (enum log_level)config->loglevel;
    if (log_open(&server->log, &target) == ERR_NONE)
        return true;
    fprintf(stderr, "Can't open the log file '%s': %m\n", config->logfile.at);
    return false;
}

static bool is_supervised_by_systemd(const struct config *config)
{
    return config->supervised == CONFIG_SUPERVISED_SYSTEMD ||
           (config->supervised == CONFIG_SUPERVISED_AUTO && daemon_under_systemd());
}

static void go_to_background(struct server *server)
{
    const struct config *config = &server->config;
    if (config->supervised == CONFIG_SUPERVISED_UPSTART ||
        (config->supervised == CONFIG_SUPERVISED_AUTO && daemon_under_upstart()))
        daemon_tell_upstart();
    else if (config->daemonize && !is_supervised_by_systemd(config))
        server->detached = daemon_detach();
}

static void write_pidfile(struct server *server)
{
    const struct config *config = &server->config;
    if (config->pidfile.count == 0 && server->detached &&
        config_text_set(&server->config.pidfile, BYTES("/var/run/snug.pid")) != ERR_NONE)
        return;
    if (config->pidfile.count > 0 && !daemon_write_pidfile(config->pidfile.at))
        log_write(&server->log, LOG_LEVEL_WARNING, "Failed to write PID file: %m");
}

static void tell_start(struct server *server)
{
    struct log *log = &server->log;
    log_write(log, LOG_LEVEL_WARNING, "oO0OoO0OoO0Oo Snug is starting oO0OoO0OoO0Oo");
    log_write(log, LOG_LEVEL_WARNING, "Snug version=%s, bits=64, malloc=%s, pid=%d, just started",
              SNUG_VERSION, memory_allocator_name(), (int)getpid());
    if (server->config.file.count > 0)
        log_write(log, LOG_LEVEL_WARNING, "Configuration loaded from %s", server->config.file.at);
    else
        log_write(log, LOG_LEVEL_WARNING,
                  "Warning: no config file specified, using the default config. In order to "
                  "specify a config file use snug-server /path/to/snug.conf");
}

/* One line of the log for each option that has no effect here. */
static void tell_warnings(struct server *server)
{
    struct bytes rest = buffer_view(&server->report.warnings);
    while (rest.count > 0) {
        const uint8_t *end = memchr(rest.at, '\n', rest.count);
        size_t count = end != NULL ? (size_t)(end - rest.at) : rest.count;
        if (count > 0)
            log_write(&server->log, LOG_LEVEL_WARNING, "%.*s", (int)count, (const char *)rest.at);
        count += end != NULL;
        rest = bytes_of(rest.at + count, rest.count - count);
    }
}

static void tell_system(struct server *server)
{
    uint64_t backlog = machine_backlog_max();
    if (backlog > 0 && backlog < (uint64_t)server->config.tcp_backlog)
        log_write(&server->log, LOG_LEVEL_WARNING,
                  "WARNING: The TCP backlog setting of %lld cannot be enforced because "
                  "/proc/sys/net/core/somaxconn is set to the lower value of %llu.",
                  (long long)server->config.tcp_backlog, (unsigned long long)backlog);
}

static void tell_ready(struct server *server)
{
    const struct config *config = &server->config;
    log_write(&server->log, LOG_LEVEL_NOTICE, "Running mode=standalone, port=%lld, PID: %d.",
              (long long)(config->port != 0 ? config->port : config->tls_port), (int)getpid());
    log_write(&server->log, LOG_LEVEL_NOTICE, "Server initialized");
    if (config->port != 0)
        log_write(&server->log, LOG_LEVEL_NOTICE, "Ready to accept connections tcp");
    if (config->tls_port != 0)
        log_write(&server->log, LOG_LEVEL_NOTICE, "Ready to accept connections tls");
    if (config->unixsocket.count > 0)
        log_write(&server->log, LOG_LEVEL_NOTICE, "Ready to accept connections unix");
    if (is_supervised_by_systemd(config) || daemon_under_systemd())
        daemon_notify("STATUS=Ready to accept connections\nREADY=1\n");
}

static bool install_crash_report(struct server *server)
{
    struct crash_settings settings = { .version = "Snug " SNUG_VERSION,
                                       .path = server->log.path,
                                       .add = server_crash_add,
                                       .context = server };
    return !server->config.crash_log_enabled || crash_install(&settings);
}

/* The file of an earlier life. A process that was told to end meanwhile has nothing to say. */
static bool load_data(struct server *server)
{
    persist_remove_leftovers(server->persistence);
    if (server->config.appendonly)
        return persist_log_start(server->persistence) || server->stopping;
    enum err err = persist_load(server->persistence, PERSIST_SERVE);
    return err == ERR_NONE || err == ERR_MISSING || server->stopping;
}

static bool start(struct server *server)
{
    if (!load_config(server) || !open_log(server))
        return false;
    go_to_background(server);
    tell_start(server);
    tell_warnings(server);
    if (!load_users(server))
        return false;
    if (!server_make_parts(server)) {
        log_write(&server->log, LOG_LEVEL_WARNING, "Cannot start: a part could not be made (%m)");
        return false;
    }
    server_hook_settings(server);
    server_apply_settings(server);
    write_pidfile(server);
    if (!server_secure(server, &server->config)) {
        log_write(&server->log, LOG_LEVEL_WARNING,
                  "Failed to configure TLS. Check logs for more info.");
        return false;
    }
    if (!server_listen(server) || !server_serve_http(server, &server->config))
        return false;
    server_catch_signals(server);
    if (!install_crash_report(server))
        log_write(&server->log, LOG_LEVEL_WARNING, "Crash reports are not available: %m");
    server_show_title(server);
    tell_system(server);
    if (!load_data(server))
        return false;
    tell_ready(server);
    return true;
}

bool server_shutdown(void *context, unsigned flags, const char **refusal)
{
    struct server *server = context;
    *refusal = NULL;
    log_write(&server->log, LOG_LEVEL_WARNING, "User requested shutdown...");
    if (!persist_before_exit(server->persistence, flags))
        return false;
    server->stopping = true;
    daemon_notify("STOPPING=1\n");
    net_stop(server->net);
    return true;
}

static void stop(struct server *server)
{
    if (server->config.pidfile.count > 0) {
        log_write(&server->log, LOG_LEVEL_NOTICE, "Removing the pid file.");
        daemon_remove_pidfile(server->config.pidfile.at);
    }
    if (server->config.unixsocket.count > 0) {
        log_write(&server->log, LOG_LEVEL_NOTICE, "Removing the unix socket file.");
        server->seam.unlink(server->seam.context, server->config.unixsocket.at);
    }
    log_write(&server->log, LOG_LEVEL_WARNING, "Snug is now ready to exit, bye bye...");
}

static void release(struct server *server)
{
    server_drop_parts(server);
    conf_report_release(&server->report);
    config_release(&server->config);
    cmdline_release(&server->cmdline);
    log_release(&server->log);
}

/* Serves until somebody ends it; the exit code. */
static int serve(struct server *server)
{
    net_run(server->net);
    return 0;
}

static int serve_demo(struct server *server)
{
    struct demo_start start = { .seam = &server->seam,
                                .megabytes = server->cmdline.megabytes,
                                .port = (uint16_t)server->config.port,
                                .http_port = (uint16_t)server->config.http_port };
    struct demo *demo = demo_begin_thread(&start);
    if (demo == NULL) {
        fprintf(stderr, "The demo cannot start: %m\n");
        return 1;
    }
    net_run(server->net);
    return demo_end_thread(demo);
}

int main(int argc, char **argv)
{
    static struct server server;
    os_seam_init(&server.seam);
    log_init(&server.log, &server.seam);
    enum err err = cmdline_read(&server.cmdline, argc, argv);
    if (err != ERR_NONE) {
        if (err == ERR_RANGE)
            fprintf(stderr, "%s: a demo is of between %d and %d megabytes\n", argv[0],
                    DEMO_MEGABYTES_MIN, DEMO_MEGABYTES_MAX);
        else
            fprintf(stderr, "%s: the command line cannot be read; try --help\n", argv[0]);
        return 1;
    }
    int code = answer_request(&server, argv[0]);
    if (code < 0) {
        if (!title_init(&server.title, argc, argv))
            server.title = (struct title){ NULL, 0 };
        bool shows = server.cmdline.request == CMDLINE_DEMO;
        char directory[DEMO_DIRECTORY_MAX] = "";
        code =
            (!shows || demo_options(&server.cmdline.options, directory)) && start(&server) ? 0 : 1;
        if (code == 0) {
            code = shows ? serve_demo(&server) : serve(&server);
            stop(&server);
        } else if (shows)
            fprintf(stderr, "The demo cannot start; with --loglevel notice it tells why.\n");
        if (directory[0] != '\0')
            (void)rmdir(directory); /* stays where somebody saved */
    }
    release(&server);
    return code;
}
