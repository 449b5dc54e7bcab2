#include "persist/aof_commands.h"
#include "persist/aof_commands_put.h"
#include "store/entry.h"

void aof_commands_init(struct aof_commands *commands, struct buffer *out)
{
    *commands = (struct aof_commands){ .out = out };
}

void aof_commands_release(struct aof_commands *commands)
{
    buffer_release(&commands->key);
    buffer_release(&commands->words);
    buffer_release(&commands->later);
    buffer_release(&commands->group);
    buffer_release(&commands->consumer);
    buffer_release(&commands->pending);
}

static enum err keep(struct aof_commands *commands, bool done)
{
    if (!done && commands->err == ERR_NONE)
        commands->err = ERR_MEMORY;
    return commands->err;
}

enum err aof_commands_database(struct aof_commands *commands, unsigned db)
{
    struct buffer *out = commands->out;
    return keep(commands,
                aof_put_head(out, 2) && aof_put(out, BYTES("SELECT")) && aof_put_u64(out, db));
}

enum err aof_commands_function(struct aof_commands *commands, struct bytes source)
{
    struct buffer *out = commands->out;
    return keep(commands, aof_put_head(out, 3) && aof_put(out, BYTES("FUNCTION")) &&
                              aof_put(out, BYTES("LOAD")) && aof_put(out, source));
}

/* A string is written as its pieces come: its length is known. */
static bool begin_string(struct aof_commands *commands, const struct rdb_key_facts *facts)
{
    commands->left = facts->summary.count;
    return aof_put_head(commands->out, 3) && aof_put(commands->out, BYTES("SET")) &&
           aof_put(commands->out, facts->name) &&
           aof_put_mark(commands->out, '$', facts->summary.count);
}

enum err aof_commands_key(struct aof_commands *commands, const struct rdb_key_facts *facts)
{
    ENSURE(facts->type < VALUE_TYPES);
    commands->type = facts->type;
    commands->expiry = facts->expiry;
    commands->elements = 0;
    commands->entries = 0;
    commands->stream_set = commands->has_consumer = false;
    commands->key.count = commands->words.count = commands->later.count = 0;
    commands->group.count = commands->pending.count = 0;
    return keep(commands, buffer_append(&commands->key, facts->name) &&
                              (facts->type != VALUE_STRING || begin_string(commands, facts)));
}

/* --- collections ------------------------------------------------------------------------------ */

/* Writes the command that has gathered. */
static bool flush(struct aof_commands *commands)
{
    static const struct {
        struct bytes name;
        uint32_t words; /* of each element */
    } rows[VALUE_TYPES] = {
        [VALUE_LIST] = { { (const uint8_t *)"RPUSH", 5 }, 1 },
        [VALUE_SET] = { { (const uint8_t *)"SADD", 4 }, 1 },
        [VALUE_ZSET] = { { (const uint8_t *)"ZADD", 4 }, 2 },
        [VALUE_HASH] = { { (const uint8_t *)"HSET", 4 }, 2 },
    };
    struct buffer *out = commands->out;
    if (commands->elements == 0)
        return true;
    bool done = aof_put_head(out, 2 + (uint64_t)commands->elements * rows[commands->type].words) &&
                aof_put(out, rows[commands->type].name) && aof_put_key(commands) &&
                buffer_append(out, buffer_view(&commands->words)) &&
                buffer_append(out, buffer_view(&commands->later));
    commands->words.count = commands->later.count = 0;
    commands->elements = 0;
    return done;
}

static bool put_field_expiry(struct aof_commands *commands, const struct part *part)
{
    struct buffer *later = &commands->later;
    if (part->expiry == VALUE_NEVER)
        return true;
    return aof_put_head(later, 6) && aof_put(later, BYTES("HPEXPIREAT")) &&
           aof_put(later, buffer_view(&commands->key)) && aof_put_i64(later, part->expiry) &&
           aof_put(later, BYTES("FIELDS")) && aof_put(later, BYTES("1")) &&
           aof_put(later, part->text);
}

static bool put_element(struct aof_commands *commands, const struct part *part)
{
    struct buffer *words = &commands->words;
    commands->elements++;
    if (part->kind == PART_SCORED) {
        uint8_t score[NUMBER_DOUBLE_MAX];
        struct bytes text = bytes_of(score, number_write_double(score, part->score));
        return aof_put(words, text) && aof_put(words, part->text);
    }
    if (part->kind == PART_FIELD)
        return aof_put(words, part->text) && aof_put(words, part->value) &&
               put_field_expiry(commands, part);
    return aof_put(words, part->text);
}

static bool take_element(struct aof_commands *commands, const struct part *part)
{
    return put_element(commands, part) &&
           (commands->elements < AOF_ELEMENTS_MAX || flush(commands));
}

static bool take_text(struct aof_commands *commands, const struct part *part)
{
    ENSURE(part->text.count <= commands->left);
    commands->left -= part->text.count;
    return buffer_append(commands->out, part->text);
}

enum err aof_commands_part(struct aof_commands *commands, const struct part *part)
{
    if (commands->err != ERR_NONE)
        return commands->err;
    if (part->kind == PART_TEXT)
        return keep(commands, take_text(commands, part));
    if (part->kind >= PART_STREAM)
        return keep(commands, aof_put_stream_part(commands, part));
    return keep(commands, take_element(commands, part));
}

static bool finish(struct aof_commands *commands)
{
    struct buffer *out = commands->out;
    ENSURE(commands->type != VALUE_STRING || commands->left == 0);
    if (commands->type == VALUE_STRING && !buffer_append(out, BYTES("\r\n")))
        return false;
    if (commands->type == VALUE_STREAM && !aof_put_stream_end(commands))
        return false;
    if (!flush(commands))
        return false;
    if (commands->expiry == ENTRY_NO_EXPIRY)
        return true;
    return aof_put_head(out, 3) && aof_put(out, BYTES("PEXPIREAT")) && aof_put_key(commands) &&
           aof_put_i64(out, commands->expiry);
}

enum err aof_commands_end(struct aof_commands *commands)
{
    return commands->err != ERR_NONE ? commands->err : keep(commands, finish(commands));
}
