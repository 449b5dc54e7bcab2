/* cmd/command.h - a command is a row; a call is one execution of it.
 * Model:    rows are constant data: dispatch, arity, key positions, ACL categories, COMMAND and
 *           the reference pages all read them. Subcommands are rows too, under their container.
 * Owner:    rows are static; a call lives on the dispatcher's stack.
 * Pointers: argv and the arena are good for one call.
 * Threads:  the executing thread.
 * Failure:  a command that cannot do its work writes an error reply and has changed nothing.
 * Cost:     a call costs a hash of the name and two clock readings over the command itself. */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include "base/arena.h"
#include "base/bytes.h"
#include "cmd/context.h"
#include "net/client.h"
#include "proto/reply.h"
#include "store/store.h"

struct call {
    struct cmd_context *context; /* what a command may reach besides the store */
    struct store *store;
    struct heap *heap;
    struct space *space; /* what values live in: for the types' functions */
    struct client *client;
    struct reply *reply;
    struct arena *arena;
    const struct command *command; /* the row that runs (the subcommand's, if it has one) */
    struct bytes *argv;
    uint32_t argc;
    bool never_waits;       /* in MULTI or a script: see cmd/blocking.h */
    uint32_t db;            /* the client's */
    unsigned read_flags;    /* for store_read: STORE_NO_TOUCH after CLIENT NO-TOUCH */
    struct key first;       /* the first key, hashed; name.at NULL when the command has none */
    const struct key *keys; /* the first keys in the order of argv, hashed for prefetching: */
    uint32_t key_count;     /* at most all; see call_key in cmd/args.h */
};

enum command_flags {
    CMD_WRITE = 1u << 0,
    CMD_READ = 1u << 1, /* "readonly" */
    CMD_DENYOOM = 1u << 2,
    CMD_ADMIN = 1u << 3,
    CMD_PUBSUB = 1u << 4,
    CMD_NOSCRIPT = 1u << 5,
    CMD_BLOCKING = 1u << 6,
    CMD_LOADING = 1u << 7,
    CMD_STALE = 1u << 8,
    CMD_SKIP_MONITOR = 1u << 9,
    CMD_SKIP_SLOWLOG = 1u << 10,
    CMD_ASKING = 1u << 11,
    CMD_FAST = 1u << 12,
    CMD_NO_AUTH = 1u << 13,
    CMD_MAY_REPLICATE = 1u << 14,
    CMD_NO_ASYNC_LOADING = 1u << 15,
    CMD_NO_MULTI = 1u << 16,
    CMD_MOVABLE_KEYS = 1u << 17,
    CMD_ALLOW_BUSY = 1u << 18,
    CMD_PROTECTED = 1u << 19,
    CMD_NO_MANDATORY_KEYS = 1u << 20, /* takes keys, or none */
};

enum acl_category { /* named flags, one bit each */
                    ACL_KEYSPACE = 1u << 0,
                    ACL_READ = 1u << 1,  /* from CMD_READ */
                    ACL_WRITE = 1u << 2, /* from CMD_WRITE */
                    ACL_SET = 1u << 3,
                    ACL_SORTEDSET = 1u << 4,
                    ACL_LIST = 1u << 5,
                    ACL_HASH = 1u << 6,
                    ACL_STRING = 1u << 7,
                    ACL_BITMAP = 1u << 8,
                    ACL_HYPERLOGLOG = 1u << 9,
                    ACL_GEO = 1u << 10,
                    ACL_STREAM = 1u << 11,
                    ACL_PUBSUB = 1u << 12,
                    ACL_ADMIN = 1u << 13, /* from CMD_ADMIN */
                    ACL_FAST = 1u << 14,  /* from CMD_FAST */
                    ACL_SLOW = 1u << 15,  /* without it */
                    ACL_BLOCKING = 1u << 16,
                    ACL_DANGEROUS = 1u << 17,
                    ACL_CONNECTION = 1u << 18,
                    ACL_TRANSACTION = 1u << 19,
                    ACL_SCRIPTING = 1u << 20,
};

enum key_flags {
    KEY_RO = 1u << 0,
    KEY_RW = 1u << 1,
    KEY_OW = 1u << 2,
    KEY_RM = 1u << 3,
    KEY_ACCESS = 1u << 4,
    KEY_UPDATE = 1u << 5,
    KEY_INSERT = 1u << 6,
    KEY_DELETE = 1u << 7,
    KEY_NOT_KEY = 1u << 8,
    KEY_INCOMPLETE = 1u << 9,
    KEY_VARIABLE_FLAGS = 1u << 10,
};

/* Where keys stand, as COMMAND tells it: where to begin, and how to find them from there. */
struct key_spec {
    uint16_t flags;
    enum { KEYS_NONE = 0, KEYS_AT_INDEX, KEYS_AT_KEYWORD, KEYS_BEGIN_UNKNOWN } begin;
    int16_t index; /* AT_INDEX; AT_KEYWORD: where to start looking (negative: from the end) */
    const char *keyword;
    enum { KEYS_RANGE = 0, KEYS_COUNTED, KEYS_FIND_UNKNOWN } find;
    int16_t last, step, limit;  /* RANGE: last is relative to begin; negative: from the end */
    int16_t count_at, first_at; /* COUNTED: relative to begin */
    const char *notes;
};
enum { KEY_SPECS_MAX = 4 };

/* A key found among the arguments. */
struct key_at {
    uint32_t at;    /* index in argv */
    uint16_t flags; /* enum key_flags */
};

/* An argument, for COMMAND DOCS. */
enum arg_type {
    ARG_STRING,
    ARG_INTEGER,
    ARG_DOUBLE,
    ARG_KEY,
    ARG_PATTERN,
    ARG_UNIX_TIME,
    ARG_PURE_TOKEN,
    ARG_ONE_OF,
    ARG_BLOCK
};
enum arg_flags { ARG_OPTIONAL = 1u << 0, ARG_MULTIPLE = 1u << 1, ARG_MULTIPLE_TOKEN = 1u << 2 };
struct command_arg {
    const char *name;
    enum arg_type type;
    uint8_t flags;
    uint8_t key_spec; /* ARG_KEY, and an ARG_PATTERN that makes keys: index of the key spec */
    const char *token;
    const char *since;
    const struct command_arg *parts; /* ONE_OF, BLOCK; ends with a NULL name */
};

enum command_group {
    GROUP_STRING,
    GROUP_BITMAP,
    GROUP_GENERIC,
    GROUP_CONNECTION,
    GROUP_SERVER,
    GROUP_LIST,
    GROUP_SET,
    GROUP_SORTED_SET,
    GROUP_HASH,
    GROUP_STREAM,
    GROUP_HYPERLOGLOG,
    GROUP_GEO,
    GROUP_PUBSUB,
    GROUP_TRANSACTIONS,
    GROUP_SCRIPTING,
    GROUP_CLUSTER
};

struct command {
    const char *name;               /* lower case; of a subcommand without its container */
    void (*run)(struct call *call); /* NULL for a container that needs a subcommand */
    int16_t arity; /* with the name; negative: at least; subcommands count the container too */
    enum command_group group;
    uint32_t flags;
    uint32_t acl;                        /* categories beyond those the flags imply */
    struct key_spec keys[KEY_SPECS_MAX]; /* ends with begin == KEYS_NONE */
    /* Finds keys where specs cannot (SORT, or SET, whose flags depend on its options); NULL mostly.
     * Writes at most `most` and returns how many there are; -1: bad syntax. */
    int (*find_keys)(const struct bytes *argv, uint32_t argc, struct key_at *keys, uint32_t most);
    /* Argument that is a field or member of the first key's value, for prefetching; 0: none. */
    uint8_t field_at;
    const struct command *subcommands; /* ends with a NULL name */
    const char *since, *cost, *summary;
    const char *deprecated_since, *replaced_by; /* NULL: in use */
    const char *const *tips;                    /* ends with NULL; NULL: none */
    const char *const *history;                 /* pairs: since, what changed; ends with NULL */
    const struct command_arg *args;             /* ends with a NULL name */
    uint16_t id; /* set in the table's order: index of the command's counters; 0 in rows */
};

/* Each group of commands brings its rows; ends with a NULL name. */
extern const struct command string_commands[], bitmap_commands[], generic_commands[],
    connection_commands[], server_commands[], memory_commands[], debug_commands[],
    config_commands[], client_commands[], introspection_commands[], latency_commands[],
    list_commands[], hash_commands[], set_commands[], zset_commands[], stream_commands[],
    hyperloglog_commands[], geo_commands[], sort_commands[], persist_commands[], dump_commands[],
    pubsub_commands[], transaction_commands[], command_log_commands[], script_commands[],
    function_commands[], acl_commands[];

#endif
