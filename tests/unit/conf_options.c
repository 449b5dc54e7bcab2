/* The table of options, and values by type. */
#include "base/memory.h"
#include "conf/options.h"
#include "conf/words.h"
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

TEST(conf_rows_are_sound)
{
    for (size_t i = 0; i < options_count(); i++) {
        const struct option *option = options_at(i);
        CHECKF(option_index(option) == i, "%s", option->name);
        CHECKF(option_find(bytes_of_text(option->name)) == option, "%s", option->name);
        if (option->alias != NULL)
            CHECKF(option_find(bytes_of_text(option->alias)) == option, "%s", option->alias);
        CHECKF(option->preset != NULL && option->summary != NULL, "%s", option->name);
        CHECKF(option->summary[strlen(option->summary) - 1] == '.', "%s", option->name);
        CHECKF((option->words != NULL) ==
                   (option->type == OPTION_ENUM || option->type == OPTION_WORDS),
               "%s", option->name);
        CHECKF(option->offset != 0 || (option->flags & OPTION_TAKEN) != 0, "%s", option->name);
        struct buffer text = { 0 };
        CHECKF(option_describe(option, &text) && text.count > 0, "%s", option->name);
        buffer_release(&text);
    }
    CHECK(option_find(BYTES("MaxClients")) == option_find(BYTES("maxclients")));
    CHECK(option_find(BYTES("maxclient")) == NULL && option_find(BYTES("")) == NULL);
}

/* No two options share bytes of the struct: each row's field changes alone. */
TEST(conf_fields_belong_to_one_row_each)
{
    for (size_t i = 0; i < options_count(); i++)
        for (size_t j = 0; j < i; j++) {
            const struct option *a = options_at(i), *b = options_at(j);
            CHECKF(a->offset == 0 || a->offset != b->offset, "%s and %s", a->name, b->name);
        }
}

static struct config *defaults(void)
{
    struct config *config = malloc(sizeof(*config));
    CHECK(config != NULL && config_init(config) == ERR_NONE);
    return config;
}

static void done(struct config *config)
{
    config_release(config);
    free(config);
}

TEST(conf_defaults_are_those_of_redis)
{
    struct config *config = defaults();
    CHECK_EQ(config->port, 6379);
    CHECK_EQ(config->bind.count, 2);
    CHECK_TEXT(config_text_view(&config->bind.addresses[0]), "*");
    CHECK_TEXT(config_text_view(&config->bind.addresses[1]), "-::*");
    CHECK_EQ(config->proto_max_bulk_len, 512 * 1024 * 1024);
    CHECK_EQ(config->client_query_buffer_limit, 1024 * 1024 * 1024);
    CHECK_EQ(config->client_output_buffer_limit[CONFIG_CLIENT_REPLICA].hard_bytes, 256 << 20);
    CHECK_EQ(config->client_output_buffer_limit[CONFIG_CLIENT_PUBSUB].soft_seconds, 60);
    CHECK_EQ(config->save.count, 3);
    CHECK_EQ(config->loglevel, CONFIG_LOG_NOTICE);
    CHECK_EQ(config->maxmemory_policy, CONFIG_POLICY_NOEVICTION);
    CHECK(config->protected_mode && config->activedefrag && !config->daemonize);
    CHECK_EQ(config->active_defrag_ignore_bytes, 100 << 20);
    CHECK_EQ(config->active_defrag_cycle_us, 100);
    CHECK_EQ(config_defrag_stop(config), 5);
    CHECK_EQ(config->requirepass.count, 0);
    CHECK_EQ(config->requirepass.at[0], 0);
    done(config);
}

struct row {
    const char *name, *value;
    const char *shown; /* NULL: refused with `reason` */
    const char *reason;
};

/* Sets by text as CONFIG SET does, and compares what is shown or why not. */
static void check_row(struct config *config, const struct row *row)
{
    struct option_reason reason = { "" };
    struct buffer before = { 0 }, text = { 0 };
    const struct option *option = option_find(bytes_of_text(row->name));
    CHECKF(option != NULL && option_get(option, config, &before), "%s", row->name);
    enum err err = option_set_text(option, config, bytes_of_text(row->value), &reason);
    CHECK(option_get(option, config, &text));
    if (row->shown != NULL) {
        CHECKF(err == ERR_NONE, "%s %s: %s", row->name, row->value, reason.text);
        CHECKF(bytes_equal(buffer_view(&text), bytes_of_text(row->shown)), "%s %s: shows %.*s",
               row->name, row->value, (int)text.count, (const char *)text.at);
    } else {
        CHECKF(err != ERR_NONE && strcmp(reason.text, row->reason) == 0, "%s %s: %s", row->name,
               row->value, reason.text);
        CHECK_BYTES(buffer_view(&text), buffer_view(&before));
    }
    buffer_release(&before);
    buffer_release(&text);
}

#define MEMORY_POLICIES                                                                            \
    "volatile-lru, volatile-lfu, volatile-random, volatile-ttl, allkeys-lru, allkeys-lfu, "        \
    "allkeys-random, noeviction"
#define WORDS "argument(s) must be one of the following: "
#define SAVE "Invalid save parameters"
#define LIMITS "Error in hard, soft or soft_seconds setting in buffer limit configuration."

/* All of it as a running redis-server 7.0 answers, but for what is marked. */
static const struct row value_rows[] = {
    { "protected-mode", "NO", "no", NULL },
    { "protected-mode", "1", NULL, "argument must be 'yes' or 'no'" },
    { "port", "0", "0", NULL },
    { "port", "65536", NULL, "argument must be between 0 and 65535 inclusive" },
    { "port", "-1", NULL, "argument must be between 0 and 65535 inclusive" },
    { "port", " 1", NULL, "argument couldn't be parsed into an integer" },
    { "port", "1x", NULL, "argument couldn't be parsed into an integer" },
    { "port", "", NULL, "argument couldn't be parsed into an integer" },
    { "port", "99999999999999999999", NULL, "argument couldn't be parsed into an integer" },
    { "maxclients", "0", NULL, "argument must be between 1 and 4294967295 inclusive" },
    { "unixsocketperm", "0755", "755", NULL },
    { "unixsocketperm", "0955", NULL, "argument couldn't be parsed as an octal number" },
    { "unixsocketperm", "1777", NULL, "argument must be between 0 and 777 inclusive" },
    { "unixsocketperm", "777777777777777777777777777777", NULL,
      "argument couldn't be parsed as an octal number" },
    { "hz", "0", "1", NULL },
    { "hz", "9999", "500", NULL },
    { "hz", "-1", NULL, "argument must be between 0 and 2147483647 inclusive" },
    { "databases", "8193", NULL, "argument must be between 1 and 8192 inclusive" }, /* ours */
    { "proto-max-bulk-len", "1", NULL,
      "argument must be between 1048576 and 9223372036854775807 inclusive" },
    { "proto-max-bulk-len", "2Mb", "2097152", NULL },
    { "proto-max-bulk-len", "2m", "2000000", NULL },
    { "proto-max-bulk-len", "1.5gb", NULL, "argument must be a memory value" },
    { "proto-max-bulk-len", "-1", NULL, "argument must be a memory value" },
    { "proto-max-bulk-len", "", NULL,
      "argument must be between 1048576 and 9223372036854775807 inclusive" },
    { "active-defrag-ignore-bytes", "0", NULL,
      "argument must be between 1 and 9223372036854775807 inclusive" },
    { "maxmemory", "1gb", "1073741824", NULL },
    { "maxmemory", "18446744073709551615", "18446744073709551615", NULL },
    { "maxmemory", "50%", "50%", NULL },                                      /* ours */
    { "maxmemory", "x", NULL, "argument must be a memory or percent value" }, /* ours */
    { "maxmemory", "%", NULL, "argument must be a memory or percent value" }, /* ours */
    { "maxmemory-clients", "50%", "50%", NULL },
    { "maxmemory-clients", "0%", "0", NULL },
    { "maxmemory-clients", "101%", NULL, "percentage argument must be less or equal to 100" },
    { "maxmemory-clients", "x", NULL, "argument must be a memory or percent value" },
    { "maxmemory-clients", "-5%", NULL, "argument must be a memory or percent value" },
    { "loglevel", "DEBUG", "debug", NULL },
    { "loglevel", "bad", NULL, WORDS "debug, verbose, notice, warning, nothing" },
    { "maxmemory-policy", "x", NULL, WORDS MEMORY_POLICIES },
    { "oom-score-adj", "relative", "yes", NULL },
    { "oom-score-adj", "absolute", "absolute", NULL },
    { "supervised", "foo", NULL, WORDS "upstart, systemd, auto, no" },
    { "syslog-facility", "USER", "user", NULL },
    { "enable-debug-command", "local", "local", NULL },
    { "save", "", "", NULL },
    { "save", "3600 1 300 100", "3600 1 300 100", NULL },
    { "save", "3600 1  300 100", NULL, SAVE },
    { "save", " 100 1", NULL, SAVE },
    { "save", "100 1 200", NULL, SAVE },
    { "save", "0 1", NULL, SAVE },
    { "save", "1 -1", NULL, SAVE },
    { "save", "a b", NULL, SAVE },
    { "bind", "127.0.0.1 -::1", "127.0.0.1 -::1", NULL },
    { "bind", "", "", NULL },
    { "bind", "127.0.0.1  ::1", NULL, "Invalid bind address" }, /* the second one is empty */
    { "bind", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", NULL,
      "Too many bind addresses specified." },
    { "notify-keyspace-events", "KEA", "AKE", NULL },
    { "notify-keyspace-events", "Kg$lshzxetdm", "AKm", NULL },
    { "notify-keyspace-events", "gnmE", "gnEm", NULL },
    { "notify-keyspace-events", "An", "An", NULL }, /* ours: Redis forgets the n */
    { "notify-keyspace-events", "", "", NULL },
    { "notify-keyspace-events", "KEA ", NULL,
      "Invalid event class character. Use 'Ag$lshzxeKEtmdn'." },
    { "oom-score-adj-values", "1 2", NULL, "wrong number of arguments" },
    { "oom-score-adj-values", "-2000 0 2000", "-2000 0 2000", NULL },
    { "oom-score-adj-values", "1 2 3000", NULL,
      "Invalid oom-score-adj-values, elements must be between -2000 and 2000." },
    { "latency-tracking-info-percentiles", "50 99.99 100", "50 99.99 100", NULL },
    { "latency-tracking-info-percentiles", "1e1 33.333333333", "10 33.333333", NULL },
    { "latency-tracking-info-percentiles", "", "", NULL },
    { "latency-tracking-info-percentiles", "101", NULL,
      "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]" },
    { "latency-tracking-info-percentiles", "nan", NULL,
      "Invalid latency-tracking-info-percentiles parameters" },
    { "client-output-buffer-limit", "slave 1mb 2mb 3",
      "normal 0 0 0 slave 1048576 2097152 3 pubsub 33554432 8388608 60", NULL },
    { "client-output-buffer-limit", "NORMAL 1b 2mb 3 replica 2k 3k 1",
      "normal 1 2097152 3 slave 2000 3000 1 pubsub 33554432 8388608 60", NULL },
    { "client-output-buffer-limit", "replica 1mb 2mb", NULL,
      "Wrong number of arguments in buffer limit configuration." },
    { "client-output-buffer-limit", "master 1mb 2mb 3", NULL,
      "Invalid client class specified in buffer limit configuration." },
    { "client-output-buffer-limit", "pubsub 7 7 7 normal 1xb 2mb 3", NULL, LIMITS },
    { "client-output-buffer-limit", "normal 1b 2mb -3", NULL, LIMITS },
    { "shutdown-on-sigint", "nosave force", "nosave force", NULL },
    { "shutdown-on-sigint", "now default", "now", NULL },
    { "shutdown-on-sigint", "default", "default", NULL },
    { "shutdown-on-sigint", "save nosave", NULL,
      "shutdown options SAVE and NOSAVE can't be used simultaneously" },
    { "shutdown-on-sigint", "", NULL, WORDS "default, save, nosave, now, force" },
    { "proc-title-template", "{foo}", NULL,
      "template format is invalid or contains unknown variables" },
    { "proc-title-template", "{title", NULL,
      "template format is invalid or contains unknown variables" },
    { "proc-title-template", "{{x} {port}{", NULL,
      "template format is invalid or contains unknown variables" },
    { "proc-title-template", "{{x} {port}", "{{x} {port}", NULL },
    { "dbfilename", "a/b", NULL, "dbfilename can't be a path, just a filename" },
    { "appenddirname", "", NULL, "appenddirname can't be empty" },
    { "cluster-announce-hostname", "a b", NULL,
      "Hostnames may only contain alphanumeric characters, hyphens or dots" },
    { "replicaof", "no one", "", NULL },
    { "replicaof", "127.0.0.1 6380", "127.0.0.1 6380", NULL },
    { "slaveof", "a 99999", NULL, "Invalid master port" },
    { "repl-backlog-size", "1mb", "1048576", NULL },
    { "hash-max-listpack-entries", "abc", NULL, "argument couldn't be parsed into an integer" },
    { "appendfsync", "ALWAYS", "always", NULL },
    { "io-threads", "200", NULL, "argument must be between 1 and 128 inclusive" },
    { "aclfile", "", "", NULL },
};

TEST(conf_values_are_read_and_shown_as_redis_does)
{
    for (size_t i = 0; i < sizeof(value_rows) / sizeof(value_rows[0]); i++) {
        struct config *config = defaults();
        check_row(config, &value_rows[i]);
        done(config);
    }
}

TEST(conf_a_secret_holds_any_byte_and_a_text_no_zero)
{
    struct config *config = defaults();
    struct option_reason reason;
    const struct bytes binary = BYTES("a\0b\xff");
    const struct option *secret = option_find(BYTES("requirepass"));
    CHECK_EQ(option_set(secret, config, &binary, 1, &reason), ERR_NONE);
    CHECK_BYTES(config_text_view(&config->requirepass), binary);
    CHECK_EQ(option_set(option_find(BYTES("unixsocket")), config, &binary, 1, &reason), ERR_SYNTAX);
    done(config);
}

/* What is shown can be set again and means the same, for every option at its default. */
TEST(conf_shown_values_can_be_set)
{
    struct config *config = defaults(), *copy = defaults();
    for (size_t i = 0; i < options_count(); i++) {
        const struct option *option = options_at(i);
        struct option_reason reason;
        struct buffer text = { 0 };
        CHECK(option_get(option, config, &text));
        if (option->type == OPTION_ENDPOINT)
            CHECK(text.count == 0);
        else
            CHECKF(option_set_text(option, copy, buffer_view(&text), &reason) == ERR_NONE, "%s: %s",
                   option->name, reason.text);
        CHECKF(option_equal(option, config, copy), "%s", option->name);
        buffer_release(&text);
    }
    done(config);
    done(copy);
}

TEST(conf_a_copy_is_equal_and_apart)
{
    struct config *config = defaults(), copy;
    struct option_reason reason;
    const struct bytes value = BYTES("x");
    CHECK_EQ(config_rename_add(config, BYTES("get"), BYTES("")), ERR_NONE);
    CHECK_EQ(option_set_text(option_find(BYTES("bind")), config, BYTES("::1 a b"), &reason),
             ERR_NONE);
    CHECK_EQ(option_set_text(option_find(BYTES("tls-ciphers")), config, BYTES("c"), &reason),
             ERR_NONE);
    CHECK_EQ(config_copy(&copy, config), ERR_NONE);
    for (size_t i = 0; i < options_count(); i++)
        CHECK(option_equal(options_at(i), config, &copy));
    CHECK_TEXT(config_text_view(&copy.renames.items[0].from), "get");
    CHECK_EQ(option_set(option_find(BYTES("logfile")), &copy, &value, 1, &reason), ERR_NONE);
    CHECK_EQ(config->logfile.count, 0);
    config_release(&copy);
    done(config);
}

/* Every take of memory fails in turn: an error, nothing lost, nothing leaked. */
TEST(conf_copies_and_defaults_survive_want_of_memory)
{
    struct config *config = defaults(), other;
    uint64_t fails;
    for (fails = 0; fails < 2000; fails++) {
        memory_fail_after(fails);
        enum err err = config_copy(&other, config);
        memory_fail_after(UINT64_MAX);
        if (err == ERR_NONE)
            break;
        CHECK_EQ(err, ERR_MEMORY);
    }
    CHECK(fails > 5 && fails < 2000);
    config_release(&other);
    for (fails = 0; fails < 5000; fails++) {
        memory_fail_after(fails);
        enum err err = config_init(&other);
        memory_fail_after(UINT64_MAX);
        if (err == ERR_NONE)
            break;
        CHECK_EQ(err, ERR_MEMORY);
    }
    CHECK(fails > 50 && fails < 5000);
    config_release(&other);
    done(config);
}
