/* What changes a stream by chance or time, told so that it comes out the same elsewhere. */
#include "cmd/stream_command.h"

enum { CLAIM_WORDS_MAX = 1024 };

static void add_id(struct effect_words *words, struct stream_id id)
{
    uint8_t text[STREAM_ID_TEXT_MAX];
    effect_text(words, bytes_of(text, stream_id_write(text, id)));
}

static void start(struct effect_words *words, struct call *call, const char *command,
                  const struct stream_place *place, const struct group *group)
{
    effect_start(words, call, command);
    effect_text(words, place->key.name);
    effect_text(words, stream_name_of(group->space, group->root->head.id));
}

/* --- entries ---------------------------------------------------------------------------------- */

/* Whole nodes are not cut alike elsewhere: what is left is the length to cut to. */
static void add_trim(struct effect_words *words, const struct stream_trim *trim,
                     const struct stream *stream)
{
    bool by_id = trim->by == STREAM_TRIM_ID && !trim->whole_nodes;
    effect_word(words, by_id ? "MINID" : "MAXLEN");
    effect_word(words, "=");
    if (by_id)
        add_id(words, trim->id);
    else
        effect_number(words, (int64_t)stream_count(stream));
}

void stream_tell_added(struct call *call, const struct stream_options *options,
                       const struct stream *stream, const struct stream_id *id, bool trimmed)
{
    struct effect_words words;
    effect_start(&words, call, id != NULL ? "XADD" : "XTRIM");
    effect_text(&words, call->argv[1]);
    if (trimmed)
        add_trim(&words, &options->trim, stream);
    if (id != NULL) {
        add_id(&words, *id);
        for (uint32_t at = options->next + 1; at < call->argc; at++)
            effect_text(&words, call->argv[at]);
    }
    effect_tell(&words);
}

/* --- groups ----------------------------------------------------------------------------------- */

void stream_tell_consumer(struct call *call, const struct stream_place *place,
                          const struct group *group, const struct consumer *consumer)
{
    struct effect_words words;
    if (!call_is_heard(call))
        return;
    effect_start(&words, call, "XGROUP");
    effect_word(&words, "CREATECONSUMER");
    effect_text(&words, place->key.name);
    effect_text(&words, stream_name_of(group->space, group->root->head.id));
    effect_text(&words, consumer_name(consumer));
    effect_tell(&words);
}

void stream_tell_group(struct call *call, const struct stream_place *place,
                       const struct group *group)
{
    struct effect_words words;
    if (!call_is_heard(call))
        return;
    effect_start(&words, call, "XGROUP");
    effect_word(&words, "SETID");
    effect_text(&words, place->key.name);
    effect_text(&words, stream_name_of(group->space, group->root->head.id));
    add_id(&words, group->state->last);
    effect_word(&words, "ENTRIESREAD");
    effect_number(&words, group->state->read);
    effect_tell(&words);
}

/* --- what is pending -------------------------------------------------------------------------- */

/* XCLAIM key group consumer 0 id ... with these, whatever was known of them. */
static void end_claim(struct effect_words *words, const struct group *group, int64_t time_ms,
                      uint64_t count)
{
    effect_word(words, "TIME");
    effect_number(words, time_ms);
    effect_word(words, "RETRYCOUNT");
    effect_number(words, (int64_t)(count < INT64_MAX ? count : INT64_MAX));
    effect_word(words, "FORCE");
    effect_word(words, "JUSTID");
    effect_word(words, "LASTID");
    add_id(words, group->state->last);
    effect_tell(words);
}

void stream_tell_delivered(struct call *call, struct stream_delivered *delivered,
                           struct stream_id id)
{
    struct effect_words *words = &delivered->words;
    if (!call_is_heard(call))
        return;
    if (words->argc >= CLAIM_WORDS_MAX)
        stream_tell_delivered_end(call, delivered);
    if (words->call == NULL) {
        start(words, call, "XCLAIM", delivered->place, delivered->group);
        effect_text(words, consumer_name(delivered->consumer));
        effect_word(words, "0");
    }
    add_id(words, id);
}

void stream_tell_delivered_end(struct call *call, struct stream_delivered *delivered)
{
    if (delivered->words.call != NULL)
        end_claim(&delivered->words, delivered->group, store_now_ms(call->store), 1);
    delivered->words = (struct effect_words){ 0 };
}

void stream_tell_pending(struct call *call, const struct stream_place *place,
                         const struct group *group, struct stream_id id)
{
    struct effect_words words;
    struct pending pending;
    if (!call_is_heard(call) || !pending_find(group, id, &pending))
        return;
    start(&words, call, "XCLAIM", place, group);
    effect_text(&words, stream_name_of(group->space, pending.consumer));
    effect_word(&words, "0");
    add_id(&words, id);
    end_claim(&words, group, pending.time_ms, pending.count);
}

void stream_tell_acknowledged(struct call *call, const struct stream_place *place,
                              const struct group *group, struct stream_id id)
{
    struct effect_words words;
    if (!call_is_heard(call))
        return;
    start(&words, call, "XACK", place, group);
    add_id(&words, id);
    effect_tell(&words);
}
