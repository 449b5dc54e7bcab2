/* cmd/stream_command.h - the commands on streams, and what they share.
 * Model:    one function a command or subcommand, as stream_rows.c names them; readers of arguments
 *           that write Redis's error when they say false; writers of replies.
 * Owner:    nobody.
 * Pointers: a place is good within its command, and stays where it is while it is used.
 * Threads:  the executing thread.
 * Failure:  error replies.
 * Cost:     as the rows say. */
#ifndef CMD_STREAM_COMMAND_H
#define CMD_STREAM_COMMAND_H

#include "cmd/args.h"
#include "cmd/effects.h"
#include "types/stream_group.h"

void cmd_xadd(struct call *call);
void cmd_xtrim(struct call *call);
void cmd_xdel(struct call *call);
void cmd_xlen(struct call *call);
void cmd_xsetid(struct call *call);
void cmd_xrange(struct call *call);
void cmd_xrevrange(struct call *call);
void cmd_xread(struct call *call);
void cmd_xreadgroup(struct call *call);
void cmd_xgroup_create(struct call *call);
void cmd_xgroup_setid(struct call *call);
void cmd_xgroup_destroy(struct call *call);
void cmd_xgroup_createconsumer(struct call *call);
void cmd_xgroup_delconsumer(struct call *call);
void cmd_xgroup_help(struct call *call);
void cmd_xack(struct call *call);
void cmd_xpending(struct call *call);
void cmd_xclaim(struct call *call);
void cmd_xautoclaim(struct call *call);
void cmd_xinfo_stream(struct call *call);
void cmd_xinfo_groups(struct call *call);
void cmd_xinfo_consumers(struct call *call);
void cmd_xinfo_help(struct call *call);

/* --- keys ------------------------------------------------------------------------------------- */

struct stream_place {
    struct key key;
    struct entry *entry; /* NULL: no such key */
    struct stream stream;
};
enum stream_use { STREAM_READS, STREAM_WRITES };

/* The stream of the key at argv[at]; false after the WRONGTYPE error. */
MUST_CHECK bool stream_look(struct call *call, uint32_t nth, uint32_t at, enum stream_use use,
                            struct stream_place *place);
/* A new stream in `edit`, for a place that was looked up and found empty; false after an error. */
MUST_CHECK bool stream_make(struct call *call, struct stream_place *place, struct value_edit *edit);
/* Tells that the stream has changed. */
void stream_note(struct call *call, const struct stream_place *place, enum event event);

/* The group named by argv[at]; false after the NOGROUP error, whatever is missing. */
MUST_CHECK bool stream_look_group(struct call *call, const struct stream_place *place, uint32_t at,
                                  struct group *group);
/* The consumer of this name, made where it is not there, which has been seen now. False when memory
 * fails; nothing is written then. */
MUST_CHECK bool stream_seen_consumer(struct call *call, const struct stream_place *place,
                                     struct group *group, struct bytes name,
                                     struct consumer *consumer);
/* The options of XADD and XTRIM. */
struct stream_options {
    struct stream_trim trim;
    struct stream_id id;
    bool id_given, seq_given; /* neither for "*" */
    bool no_make;
    uint32_t next; /* XADD: where the id stands */
};

/* --- what others are told, cmd/stream_effects.c ----------------------------------------------- */

/* An entry was added as `id`, or (id NULL) only trimmed: with the id it got, and trimmed to exactly
 * what is left. `trimmed`: something went. */
void stream_tell_added(struct call *call, const struct stream_options *options,
                       const struct stream *stream, const struct stream_id *id, bool trimmed);
void stream_tell_consumer(struct call *call, const struct stream_place *place,
                          const struct group *group, const struct consumer *consumer);
/* Delivered now, for the first time: told in groups, at the latest by stream_tell_delivered_end. */
struct stream_delivered {
    struct effect_words words;
    const struct stream_place *place;
    const struct group *group;
    const struct consumer *consumer;
};
void stream_tell_delivered(struct call *call, struct stream_delivered *delivered,
                           struct stream_id id);
void stream_tell_delivered_end(struct call *call, struct stream_delivered *delivered);
/* What is known of a pending entry now. */
void stream_tell_pending(struct call *call, const struct stream_place *place,
                         const struct group *group, struct stream_id id);
/* It is not pending any more. */
void stream_tell_acknowledged(struct call *call, const struct stream_place *place,
                              const struct group *group, struct stream_id id);
/* How far the group is. */
void stream_tell_group(struct call *call, const struct stream_place *place,
                       const struct group *group);

/* An argument in an error: at most so many bytes of it. */
enum { STREAM_QUOTED_MAX = 128 };
static inline int stream_quoted(struct bytes text)
{
    return text.count < STREAM_QUOTED_MAX ? (int)text.count : STREAM_QUOTED_MAX;
}
/* "ERR unknown subcommand or wrong number of arguments for ..." */
void stream_subcommand_error(struct call *call, const char *command);

/* --- arguments -------------------------------------------------------------------------------- */

MUST_CHECK bool stream_arg_id(struct call *call, uint32_t at, struct stream_id *id);
/* The same with "-" and "+". */
MUST_CHECK bool stream_arg_any_id(struct call *call, uint32_t at, struct stream_id *id);
/* Both ends of an interval, "-", "+" and "(id" allowed. The errors come in this order. */
MUST_CHECK bool stream_arg_start(struct call *call, uint32_t at, struct stream_id *id);
MUST_CHECK bool stream_arg_end(struct call *call, uint32_t at, struct stream_id *id);
/* A whole number, with an error of the command's own when it is none. */
MUST_CHECK bool stream_arg_number(struct call *call, uint32_t at, const char *error,
                                  int64_t *number);

/* The options of XADD and XTRIM, as the struct above. */
enum stream_options_of { OPTIONS_OF_XADD, OPTIONS_OF_XTRIM };
MUST_CHECK bool stream_options_read(struct call *call, enum stream_options_of command,
                                    struct stream_options *options);

/* --- replies ---------------------------------------------------------------------------------- */

void stream_reply_id(struct call *call, struct stream_id id);
void stream_reply_entry(struct call *call, struct stream_entry *entry);
/* The entries from `from` to `to` as an array, at most `count` of them. */
void stream_reply_range(struct call *call, const struct stream *stream, struct stream_id from,
                        struct stream_id to, bool reverse, uint64_t count);
/* One entry of the stream; false, and nothing written, when there is none. */
bool stream_reply_one(struct call *call, const struct stream *stream, struct stream_id id);

#endif
