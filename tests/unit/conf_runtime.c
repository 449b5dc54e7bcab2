/* CONFIG GET and SET. */
#include "base/memory.h"
#include "conf/runtime.h"
#include "conf_world.h"
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

struct server {
    struct world world;
    struct config config;
    struct conf_runtime *runtime;
    struct buffer error;
    char log[512]; /* what hooks were asked, in order */
    const char *refuses;
};

static struct server *begin(void)
{
    struct server *server = calloc(1, sizeof(*server));
    CHECK(server != NULL);
    world_init(&server->world);
    CHECK_EQ(config_init(&server->config), ERR_NONE);
    server->runtime = conf_runtime_new(&server->world.seam, &server->world.host, &server->config);
    CHECK(server->runtime != NULL);
    return server;
}

static void done(struct server *server)
{
    conf_runtime_drop(server->runtime);
    buffer_release(&server->error);
    config_release(&server->config);
    world_release(&server->world);
    free(server);
}

/* Sets the names and values of a line that are parted by '|'. */
static enum err set(struct server *server, const char *line)
{
    struct bytes pairs[32];
    size_t count = 0;
    for (const char *from = line; from != NULL && *line != '\0';) {
        const char *bar = strchr(from, '|');
        pairs[count++] = bytes_of(from, bar == NULL ? strlen(from) : (size_t)(bar - from));
        from = bar == NULL ? NULL : bar + 1;
    }
    server->error.count = 0;
    return conf_runtime_set(server->runtime, pairs, count, false, &server->error);
}

static const char *got(struct server *server, const char *patterns, char *text, size_t room)
{
    struct bytes list[8];
    size_t count = 0, used = 0;
    for (const char *from = patterns; *from != '\0';) {
        size_t length = strcspn(from, " ");
        list[count++] = bytes_of(from, length);
        from += length + (from[length] == ' ');
    }
    const struct conf_matches *matches = conf_runtime_match(server->runtime, list, count);
    text[0] = '\0';
    for (size_t i = 0; i < matches->count; i++) {
        struct buffer value = { 0 };
        CHECK(option_get(matches->items[i].option, &server->config, &value));
        used += (size_t)snprintf(
            text + used, room - used, "%.*s=%.*s;", (int)matches->items[i].name.count,
            (const char *)matches->items[i].name.at, (int)value.count, (const char *)value.at);
        buffer_release(&value);
    }
    return text;
}

TEST(conf_get_matches_names_and_patterns_once)
{
    static const struct {
        const char *patterns, *found;
    } rows[] = {
        { "port", "port=6379;" },
        { "PORT port", "PORT=6379;" },
        { "nothing", "" },
        { "por? PORT", "port=6379;" },
        { "slave-priority replica-priority", "slave-priority=100;replica-priority=100;" },
        { "*-priority", "replica-priority=100;slave-priority=100;" },
        { "*watchdog*", "" },
        { "watchdog-period", "watchdog-period=0;" },
        { "active-defrag-threshold-[ls]*",
          "active-defrag-threshold-lower=10;active-defrag-threshold-stop=-1;" },
        { "Timeo* TIMEOUT", "timeout=0;" },
    };
    struct server *server = begin();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[512];
        got(server, rows[i].patterns, text, sizeof(text));
        CHECKF(strcmp(text, rows[i].found) == 0, "%s: %s", rows[i].patterns, text);
    }
    done(server);
}

TEST(conf_get_star_shows_all_names_but_the_hidden)
{
    struct server *server = begin();
    const struct bytes star = BYTES("*");
    size_t names = 0;
    for (size_t i = 0; i < options_count(); i++) {
        const struct option *option = options_at(i);
        names += (option->flags & OPTION_HIDDEN) != 0 ? 0 : option->alias != NULL ? 2 : 1;
    }
    CHECK_EQ(conf_runtime_match(server->runtime, &star, 1)->count, names);
    done(server);
}

#define FAILED(name) "ERR CONFIG SET failed (possibly related to argument '" name "') - "
#define UNKNOWN(name) "ERR Unknown option or number of arguments for CONFIG SET - '" name "'"

TEST(conf_set_errors_are_those_of_redis_and_change_nothing)
{
    static const struct {
        const char *pairs, *error;
    } rows[] = {
        { "", "ERR syntax error" },
        { "timeout", "ERR syntax error" },
        { "timeout|5|hz", "ERR syntax error" },
        { "timeout|5|foo|bar", UNKNOWN("foo") },
        { "timeout|5|foo|bar|databases|7", UNKNOWN("foo") },
        { "timeout|5|databases|7|foo|bar", FAILED("databases") "can't set immutable config" },
        { "timeout|5|TIMEOUT|6", FAILED("TIMEOUT") "duplicate parameter" },
        { "timeout|5|hz|x", FAILED("hz") "argument couldn't be parsed into an integer" },
        { "timeout|5|HZ|x", FAILED("hz") "argument couldn't be parsed into an integer" },
        { "slave-priority|x",
          FAILED("slave-priority") "argument couldn't be parsed into an integer" },
        { "timeout|5|dir|/tmp", FAILED("dir") "can't set protected config" },
        { "dbfilename|x", FAILED("dbfilename") "can't set protected config" },
        { "UnixSocket|x", FAILED("UnixSocket") "can't set immutable config" },
        { "a\r\nb|c", UNKNOWN("a  b") },
        { "save|1 2 3", FAILED("save") "Invalid save parameters" },
    };
    struct server *server = begin();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECKF(set(server, rows[i].pairs) != ERR_NONE, "%s", rows[i].pairs);
        CHECK_BYTES(buffer_view(&server->error), bytes_of_text(rows[i].error));
        CHECK_EQ(server->config.timeout, 0);
    }
    done(server);
}

TEST(conf_set_changes_all_pairs)
{
    struct server *server = begin();
    char text[256];
    CHECK_EQ(set(server, "timeout|5|maxmemory|2gb|save||requirepass|x y|appendfsync|always"),
             ERR_NONE);
    CHECK_EQ(server->error.count, 0);
    got(server, "timeout maxmemory save requirepass appendfsync", text, sizeof(text));
    CHECKF(strcmp(text, "timeout=5;maxmemory=2147483648;save=;requirepass=x y;"
                        "appendfsync=always;") == 0,
           "%s", text);
    done(server);
}

static bool apply(void *context, const struct config *before, struct config *after,
                  struct option_reason *reason, const char *name)
{
    struct server *server = context;
    size_t used = strlen(server->log);
    (void)snprintf(server->log + used, sizeof(server->log) - used, "%s %d->%d %d->%d; ", name,
                   (int)before->port, (int)after->port, (int)before->timeout, (int)after->timeout);
    if (server->refuses == NULL || strcmp(server->refuses, name) != 0)
        return true;
    (void)snprintf(reason->text, sizeof(reason->text), "%s does not like it", name);
    return false;
}

static bool apply_net(void *context, const struct config *before, struct config *after,
                      struct option_reason *reason)
{
    return apply(context, before, after, reason, "net");
}

static bool apply_time(void *context, const struct config *before, struct config *after,
                       struct option_reason *reason)
{
    if (after->timeout > 1000)
        after->timeout = 1000;
    return apply(context, before, after, reason, "time");
}

static struct server *with_hooks(void)
{
    static const char *const net[] = { "bind", "port", NULL };
    static const char *const time[] = { "timeout", NULL };
    struct server *server = begin();
    conf_runtime_hook(server->runtime, &(struct conf_hook){ net, apply_net, server });
    conf_runtime_hook(server->runtime, &(struct conf_hook){ time, apply_time, server });
    return server;
}

TEST(conf_hooks_are_asked_once_for_what_changed)
{
    struct server *server = with_hooks();
    CHECK_EQ(set(server, "hz|20"), ERR_NONE);
    CHECK_EQ(set(server, "port|6379|timeout|0"), ERR_NONE);
    CHECKF(server->log[0] == '\0', "%s", server->log);
    CHECK_EQ(set(server, "bind|::1|port|7|hz|11"), ERR_NONE);
    CHECKF(strcmp(server->log, "net 6379->7 0->0; ") == 0, "%s", server->log);
    CHECK_EQ(set(server, "timeout|5000"), ERR_NONE);
    CHECK_EQ(server->config.timeout, 1000);
    done(server);
}

TEST(conf_a_refusal_undoes_what_was_applied)
{
    struct server *server = with_hooks();
    server->refuses = "time";
    CHECK_EQ(set(server, "bind|::1|timeout|9|port|8"), ERR_SYSTEM);
    CHECKF(strcmp(server->log, "net 6379->8 0->9; time 6379->8 0->9; net 8->6379 9->0; ") == 0,
           "%s", server->log);
    CHECK_TEXT(buffer_view(&server->error), FAILED("timeout") "time does not like it");
    CHECK_EQ(server->config.port, 6379);
    CHECK_EQ(server->config.bind.count, 2);
    server->log[0] = '\0';
    server->refuses = "net";
    CHECK_EQ(set(server, "timeout|9|port|8"), ERR_SYSTEM);
    CHECK_TEXT(buffer_view(&server->error), FAILED("port") "net does not like it");
    CHECKF(strcmp(server->log, "net 6379->8 0->9; ") == 0, "%s", server->log);
    done(server);
}

TEST(conf_protected_options_open_as_configured)
{
    struct server *server = begin();
    const struct bytes pairs[] = { BYTES("dir"), BYTES("/sub") };
    server->config.enable_protected_configs = CONFIG_GUARD_LOCAL;
    CHECK_EQ(conf_runtime_set(server->runtime, pairs, 2, false, &server->error), ERR_TYPE);
    CHECK_EQ(conf_runtime_set(server->runtime, pairs, 2, true, &server->error), ERR_NONE);
    CHECK_TEXT(config_text_view(&server->config.dir), "/sub");
    server->config.enable_protected_configs = CONFIG_GUARD_YES;
    CHECK_EQ(set(server, "dir|/nowhere"), ERR_SYSTEM);
    CHECK_TEXT(buffer_view(&server->error), FAILED("dir") "No such file or directory");
    CHECK_EQ(set(server, "dir|rel"), ERR_NONE);
    CHECK_TEXT(config_text_view(&server->config.dir), "/w/rel");
    done(server);
}

TEST(conf_sensitive_options_are_known)
{
    CHECK(conf_is_sensitive(BYTES("RequirePass")) && conf_is_sensitive(BYTES("masterauth")));
    CHECK(!conf_is_sensitive(BYTES("port")) && !conf_is_sensitive(BYTES("nothing")));
}

TEST(conf_set_survives_want_of_memory)
{
    struct server *server = with_hooks();
    uint64_t fails;
    for (fails = 0; fails < 2000; fails++) {
        memory_fail_after(fails);
        enum err err = set(server, "timeout|7|requirepass|x|appendfsync|always|bind|::1");
        memory_fail_after(UINT64_MAX);
        if (err == ERR_NONE)
            break;
        CHECK_EQ(server->config.timeout, 0);
        CHECK_EQ(server->config.requirepass.count, 0);
    }
    CHECK(fails > 10 && fails < 2000);
    CHECK_EQ(server->config.timeout, 7);
    done(server);
}
