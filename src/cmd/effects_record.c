/* Effects kept for who asks: DEBUG EFFECTS, with which tests look at what a log would be told. */
#include "base/memory.h"
#include "cmd/effects.h"

#include <string.h>

enum { RECORD_BYTES_MAX = 256 * 1024 * 1024 };

/* Of each effect: database and number of arguments, then of each argument its size and bytes. */
struct effects_record {
    struct buffer kept;
    uint64_t count;
    bool lost; /* no memory, or too much was told since it was taken */
};

static bool keep_number(struct effects_record *record, uint32_t number)
{
    return buffer_append(&record->kept, bytes_of(&number, sizeof number));
}

static bool keep(struct effects_record *record, unsigned db, const struct bytes *argv,
                 uint32_t argc)
{
    if (!keep_number(record, db) || !keep_number(record, argc))
        return false;
    for (uint32_t i = 0; i < argc; i++) {
        if (record->kept.count + argv[i].count > RECORD_BYTES_MAX ||
            !keep_number(record, (uint32_t)argv[i].count) || !buffer_append(&record->kept, argv[i]))
            return false;
    }
    return true;
}

static void on_effect(void *context, unsigned db, const struct bytes *argv, uint32_t argc)
{
    struct effects_record *record = context;
    size_t before = record->kept.count;
    if (!record->lost && keep(record, db, argv, argc)) {
        record->count++;
        return;
    }
    record->lost = true;
    record->kept.count = before;
}

static void on_begin(void *context, unsigned db)
{
    struct bytes word = bytes_of_text("MULTI");
    on_effect(context, db, &word, 1);
}

static void on_end(void *context, unsigned db)
{
    struct bytes word = bytes_of_text("EXEC");
    on_effect(context, db, &word, 1);
}

static void on_lost(void *context)
{
    struct effects_record *record = context;
    record->lost = true;
}

bool effects_record_start(struct effects *effects)
{
    if (effects->record != NULL)
        return true;
    effects->record = memory_take_zeroed(sizeof *effects->record);
    if (effects->record == NULL)
        return false;
    effects_listen(effects, &(struct effects_listener){ .begin = on_begin,
                                                        .effect = on_effect,
                                                        .end = on_end,
                                                        .lost = on_lost,
                                                        .context = effects->record });
    return true;
}

void effects_record_stop(struct effects *effects)
{
    if (effects->record == NULL)
        return;
    effects_leave(effects, effects->record);
    buffer_release(&effects->record->kept);
    memory_give(effects->record);
    effects->record = NULL;
}

static uint32_t take_number(const uint8_t **at)
{
    uint32_t number;
    memcpy(&number, *at, sizeof number);
    *at += sizeof number;
    return number;
}

void effects_record_take(struct effects *effects, struct reply *reply)
{
    struct effects_record *record = effects->record;
    if (record == NULL || record->lost) {
        reply_error(reply, record == NULL ? "ERR DEBUG EFFECTS is off" : "ERR effects were lost");
    } else {
        const uint8_t *at = record->kept.at;
        reply_array(reply, record->count);
        for (uint64_t i = 0; i < record->count; i++) {
            uint32_t db = take_number(&at), argc = take_number(&at);
            reply_array(reply, argc + 1);
            reply_i64(reply, db);
            for (; argc > 0; argc--) {
                uint32_t count = take_number(&at);
                reply_bulk(reply, bytes_of(at, count));
                at += count;
            }
        }
    }
    if (record == NULL)
        return;
    buffer_release(&record->kept);
    record->count = 0;
    record->lost = false;
}
