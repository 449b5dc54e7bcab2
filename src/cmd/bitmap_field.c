/* BITFIELD: a string as an array of integers of any width. */
#include "cmd/bitmap_bits.h"
#include "cmd/bitmap_command.h"
#include "cmd/string_edit.h"

enum field_action { FIELD_GET, FIELD_SET, FIELD_INCREMENT };

struct field_step {
    enum field_action action;
    enum field_overflow overflow;
    struct field_kind kind;
    uint64_t offset;
    int64_t operand;
};

struct bitfield {
    struct field_step *steps;
    uint32_t count;
    bool writes;
    uint64_t last_written; /* the highest bit that a step may write */
};

/* ---- arguments --------------------------------------------------------------------------------
 */

static bool read_kind(struct call *call, uint32_t at, struct field_kind *kind)
{
    struct bytes text = call->argv[at];
    int64_t bits = 0;
    bool is_signed = text.count > 0 && text.at[0] == 'i';
    bool known = is_signed || (text.count > 0 && text.at[0] == 'u');
    if (known && number_read_i64(bytes_of(text.at + 1, text.count - 1), &bits) && bits >= 1 &&
        bits <= (is_signed ? 64 : 63)) {
        *kind = (struct field_kind){ is_signed, (unsigned)bits };
        return true;
    }
    reply_error(call->reply, "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 "
                             "is not supported but i64 is.");
    return false;
}

static bool read_overflow(struct call *call, uint32_t at, enum field_overflow *overflow)
{
    if (call_is(call, at, "wrap"))
        *overflow = FIELD_WRAP;
    else if (call_is(call, at, "sat"))
        *overflow = FIELD_SATURATE;
    else if (call_is(call, at, "fail"))
        *overflow = FIELD_FAIL;
    else {
        reply_error(call->reply, "ERR Invalid OVERFLOW type specified");
        return false;
    }
    return true;
}

/* The word of a step and how many arguments follow it; 0 when it is no step. */
static uint32_t read_action(const struct call *call, uint32_t at, enum field_action *action)
{
    uint32_t left = call->argc - at - 1;
    if (call_is(call, at, "get") && left >= 2) {
        *action = FIELD_GET;
        return 2;
    }
    if (call_is(call, at, "set") && left >= 3) {
        *action = FIELD_SET;
        return 3;
    }
    if (call_is(call, at, "incrby") && left >= 3) {
        *action = FIELD_INCREMENT;
        return 3;
    }
    return 0;
}

static bool read_step(struct call *call, uint32_t at, struct bitfield *bitfield,
                      struct field_step *step)
{
    if (!read_kind(call, at + 1, &step->kind) ||
        !bitmap_offset(call, at + 2, step->kind.bits, &step->offset))
        return false;
    if (step->action == FIELD_GET)
        return true;
    uint64_t last = step->offset + step->kind.bits - 1;
    bitfield->writes = true;
    if (last > bitfield->last_written)
        bitfield->last_written = last;
    return call_i64(call, at + 3, &step->operand);
}

static bool read_steps(struct call *call, struct bitfield *bitfield)
{
    enum field_overflow overflow = FIELD_WRAP;
    for (uint32_t at = 2; at < call->argc; at++) {
        if (call_is(call, at, "overflow") && at + 1 < call->argc) {
            if (!read_overflow(call, ++at, &overflow))
                return false;
            continue;
        }
        struct field_step *step = &bitfield->steps[bitfield->count];
        *step = (struct field_step){ .overflow = overflow };
        uint32_t arguments = read_action(call, at, &step->action);
        if (arguments == 0) {
            call_syntax_error(call);
            return false;
        }
        if (!read_step(call, at, bitfield, step))
            return false;
        bitfield->count++;
        at += arguments;
    }
    return true;
}

/* ---- execution --------------------------------------------------------------------------------
 */

static void reply_field(struct call *call, const struct field_step *step, struct bytes bytes)
{
    uint64_t field = bits_field(bytes, step->offset, step->kind.bits);
    reply_i64(call->reply, field_number(step->kind, field));
}

/* One SET or INCRBY on an open string; true when it changed a bit, or wrote to one that `grew`. */
static bool write_field(struct call *call, const struct field_step *step,
                        const struct string_open *open, bool grew)
{
    uint64_t old = bits_field(bytes_of(open->at, open->count), step->offset, step->kind.bits);
    int64_t number = field_number(step->kind, old);
    bool sets = step->action == FIELD_SET;
    uint64_t field = 0;
    if (!field_sum(step->kind, step->overflow, sets ? step->operand : number,
                   sets ? 0 : step->operand, &field)) {
        reply_nil(call->reply);
        return false;
    }
    bits_set_field(open->at, open->count, step->offset, step->kind.bits, field);
    reply_i64(call->reply, sets ? number : field_number(step->kind, field));
    return grew || field != old;
}

static void run_reading(struct call *call, const struct bitfield *bitfield, const struct key *key)
{
    const struct entry *entry = call_read(call, key);
    if (!call_type_fits(call, entry, VALUE_STRING))
        return;
    struct string_reading reading;
    string_read(call, entry, &reading);
    reply_array(call->reply, bitfield->count);
    for (uint32_t i = 0; i < bitfield->count; i++)
        reply_field(call, &bitfield->steps[i], reading.content);
}

/* The string is opened before it is known whether a step will write to it, and may have grown
 * without one that did: the event is told afterwards. */
static void run_writing(struct call *call, const struct bitfield *bitfield, const struct key *key)
{
    struct entry *entry = store_look(call->store, call->db, key);
    if (!call_type_fits(call, entry, VALUE_STRING))
        return;
    size_t count = (size_t)(bitfield->last_written / 8 + 1);
    struct string_reading reading;
    string_read(call, entry, &reading);
    bool grew = reading.content.count < count;
    struct string_open open;
    if (!string_open(call, key, entry, count, EVENT_FORM, &open))
        return;
    bool changed = false;
    reply_array(call->reply, bitfield->count);
    for (uint32_t i = 0; i < bitfield->count; i++) {
        const struct field_step *step = &bitfield->steps[i];
        if (step->action == FIELD_GET)
            reply_field(call, step, bytes_of(open.at, open.count));
        else if (write_field(call, step, &open, grew))
            changed = true;
    }
    if (changed)
        store_note(call->store, call->db, key, EVENT_SETBIT);
}

static bool read_arguments(struct call *call, struct bitfield *bitfield)
{
    /* A step takes three arguments at least. */
    bitfield->steps = arena_take_many(call->arena, call->argc / 3 + 1, sizeof *bitfield->steps);
    if (bitfield->steps == NULL) {
        call_memory_error(call);
        return false;
    }
    return read_steps(call, bitfield);
}

void cmd_bitfield(struct call *call)
{
    struct bitfield bitfield = { .count = 0 };
    if (!read_arguments(call, &bitfield))
        return;
    struct key key = call_key(call, 0, 1);
    if (bitfield.writes)
        run_writing(call, &bitfield, &key);
    else
        run_reading(call, &bitfield, &key);
}

void cmd_bitfield_ro(struct call *call)
{
    struct bitfield bitfield = { .count = 0 };
    if (!read_arguments(call, &bitfield))
        return;
    struct key key = call_key(call, 0, 1);
    if (bitfield.writes)
        reply_error(call->reply, "ERR BITFIELD_RO only supports the GET subcommand");
    else
        run_reading(call, &bitfield, &key);
}

/* How many arguments the word at `at` and its own take, when it only reads; 0: it may write, or is
 * no step at all. */
static uint32_t reading_step(const struct bytes *argv, uint32_t argc, uint32_t at)
{
    uint32_t left = argc - at - 1;
    if (bytes_is(argv[at], "get") && left >= 2)
        return 3;
    return bytes_is(argv[at], "overflow") && left >= 1 ? 2 : 0;
}

int find_keys_of_bitfield(const struct bytes *argv, uint32_t argc, struct key_at *keys,
                          uint32_t most)
{
    bool writes = false;
    uint32_t step = 0;
    if (argc < 2)
        return -1;
    for (uint32_t at = 2; at < argc && !writes; at += step) {
        step = reading_step(argv, argc, at);
        writes = step == 0;
    }
    if (most > 0)
        keys[0] =
            (struct key_at){ 1, writes ? KEY_RW | KEY_ACCESS | KEY_UPDATE : KEY_RO | KEY_ACCESS };
    return 1;
}
