#include "cmd/table.h"

#include "base/memory.h"
#include "cmd/keys.h"

#include <stdio.h>

enum { NAME_WORDS = 3, NAME_MAX_BYTES = NAME_WORDS * 8, FULL_NAME_BYTES = 64 };

/* A name of up to 24 bytes as three words, lower-cased; padded with zeros. */
struct words {
    uint64_t at[NAME_WORDS];
};

struct slot {
    struct words words;
    uint16_t row;       /* 1 + index; 0: empty */
    uint16_t container; /* 1 + index of the container; 0: a command of its own */
    uint8_t bytes;      /* of the name */
};

struct cmd_table {
    struct slot *slots; /* a power of two, at most half full */
    uint32_t slot_mask;
    uint32_t count;
    bool long_names; /* a rename gave one of more than 24 bytes; those are found by walking */
    struct command_row *rows;
    struct command *commands;
    char (*full_names)[FULL_NAME_BYTES];
    char **renamed; /* names given by rename, by row; NULL mostly */
    struct cmd_figures figures;
};

/* --- names as words --------------------------------------------------------------------------- */

/* Adds 0x20 to each byte that is one of A to Z; all eight together. */
static uint64_t lower_word(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t low_bits = word & (ones * 0x7f);
    uint64_t from_a = low_bits + ones * (0x80 - 'A');
    uint64_t past_z = low_bits + ones * (0x7f - 'Z');
    uint64_t is_upper = (from_a & ~past_z & ~word) & (ones * 0x80);
    return word | is_upper >> 2;
}

/* Up to eight bytes; which byte lands where does not matter as long as it is always the same. */
static uint64_t load_word(const uint8_t *at, size_t count)
{
    uint64_t word = 0;
    if (count >= 8) {
        memcpy(&word, at, 8);
    } else if (count >= 4) {
        uint32_t low = 0, high = 0;
        memcpy(&low, at, 4);
        memcpy(&high, at + count - 4, 4);
        word = low | (uint64_t)high << 32;
    } else if (count > 0) {
        word = (uint64_t)at[0] | (uint64_t)at[count / 2] << 8 | (uint64_t)at[count - 1] << 16;
    }
    return lower_word(word);
}

static struct words words_of(struct bytes name)
{
    struct words words = { { load_word(name.at, name.count), 0, 0 } };
    if (UNLIKELY(name.count > 8)) {
        words.at[1] = load_word(name.at + 8, name.count - 8);
        if (name.count > 16)
            words.at[2] = load_word(name.at + 16, name.count - 16);
    }
    return words;
}

static uint32_t slot_of(const struct cmd_table *table, const struct words *words,
                        uint32_t container)
{
    uint64_t mixed = words->at[0] + container * 0xd6e8feb86659fd93u;
    mixed = (mixed ^ words->at[1] * 0x9fb21c651e98df25u ^ words->at[2] * 0xa0761d6478bd642fu) *
            0x9e3779b97f4a7c15u;
    return (uint32_t)(mixed >> 40) & table->slot_mask;
}

static bool slot_fits(const struct slot *slot, const struct words *words, uint32_t container,
                      size_t bytes)
{
    return slot->words.at[0] == words->at[0] && slot->bytes == bytes &&
           slot->container == container && slot->words.at[1] == words->at[1] &&
           slot->words.at[2] == words->at[2];
}

static uint32_t container_number(const struct cmd_table *table, const struct command_row *container)
{
    return container == NULL ? 0 : (uint32_t)(container - table->rows) + 1;
}

static struct command_row *find_long(struct cmd_table *table, const struct command_row *container,
                                     struct bytes name)
{
    for (uint32_t i = 0; i < table->count; i++) {
        struct command_row *row = &table->rows[i];
        if (row->container == container && row->name != NULL && bytes_is(name, row->name))
            return row;
    }
    return NULL;
}

static struct command_row *find_name(struct cmd_table *table, const struct command_row *container,
                                     struct bytes name)
{
    if (UNLIKELY(name.count > NAME_MAX_BYTES))
        return table->long_names ? find_long(table, container, name) : NULL;
    struct words words = words_of(name);
    uint32_t number = container_number(table, container);
    uint32_t at = slot_of(table, &words, number);
    for (; table->slots[at].row != 0; at = (at + 1) & table->slot_mask) {
        if (slot_fits(&table->slots[at], &words, number, name.count))
            return &table->rows[table->slots[at].row - 1];
    }
    return NULL;
}

/* --- building --------------------------------------------------------------------------------- */

static uint32_t rows_in(const struct command *rows)
{
    uint32_t count = 0;
    for (; rows[count].name != NULL; count++)
        ;
    return count;
}

static uint32_t count_all(const struct command *const *groups)
{
    uint32_t count = 0;
    for (; *groups != NULL; groups++) {
        for (const struct command *row = *groups; row->name != NULL; row++)
            count += 1 + (row->subcommands != NULL ? rows_in(row->subcommands) : 0);
    }
    return count;
}

static void fill_slot(struct cmd_table *table, uint32_t index)
{
    struct command_row *row = &table->rows[index];
    if (row->name == NULL)
        return;
    struct bytes name = bytes_of_text(row->name);
    if (name.count > NAME_MAX_BYTES) {
        table->long_names = true;
        return;
    }
    struct slot slot = { .words = words_of(name), .row = (uint16_t)(index + 1) };
    slot.container = (uint16_t)container_number(table, row->container);
    slot.bytes = (uint8_t)name.count;
    uint32_t at = slot_of(table, &slot.words, slot.container);
    while (table->slots[at].row != 0)
        at = (at + 1) & table->slot_mask;
    table->slots[at] = slot;
}

static void fill_slots(struct cmd_table *table)
{
    memset(table->slots, 0, ((size_t)table->slot_mask + 1) * sizeof *table->slots);
    table->long_names = false;
    for (uint32_t i = 0; i < table->count; i++)
        fill_slot(table, i);
}

static struct command_row *add_row(struct cmd_table *table, const struct command *command,
                                   struct command_row *container)
{
    uint32_t index = table->count++;
    struct command *copy = &table->commands[index];
    *copy = *command;
    copy->id = (uint16_t)index;
    snprintf(table->full_names[index], FULL_NAME_BYTES, "%s%s%s",
             container != NULL ? container->name : "", container != NULL ? "|" : "", copy->name);
    struct key_range keys = keys_range(copy);
    table->rows[index] = (struct command_row){ .command = copy,
                                               .run = copy->run,
                                               .flags = copy->flags,
                                               .arity = copy->arity,
                                               .first_key = keys.first,
                                               .last_key = keys.last,
                                               .key_step = keys.step,
                                               .name = copy->name,
                                               .full_name = table->full_names[index],
                                               .container = container };
    return &table->rows[index];
}

static void add_with_subcommands(struct cmd_table *table, const struct command *command)
{
    struct command_row *row = add_row(table, command, NULL);
    if (command->subcommands == NULL)
        return;
    row->subcommands = row + 1;
    for (const struct command *sub = command->subcommands; sub->name != NULL; sub++) {
        (void)add_row(table, sub, row);
        row->subcommand_count++;
    }
}

static bool take_arrays(struct cmd_table *table, uint32_t count)
{
    uint32_t slots = 64;
    while (slots < count * 2)
        slots *= 2;
    table->slot_mask = slots - 1;
    table->slots = memory_take_zeroed(slots * sizeof *table->slots);
    table->rows = memory_take_zeroed(count * sizeof *table->rows);
    table->commands = memory_take_zeroed(count * sizeof *table->commands);
    table->full_names = memory_take_zeroed(count * sizeof *table->full_names);
    table->renamed = memory_take_zeroed(count * sizeof *table->renamed);
    return table->slots != NULL && table->rows != NULL && table->commands != NULL &&
           table->full_names != NULL && table->renamed != NULL;
}

struct cmd_table *cmd_table_new(const struct command *const *groups)
{
    struct cmd_table *table = memory_take_zeroed(sizeof *table);
    if (table == NULL)
        return NULL;
    uint32_t count = count_all(groups);
    ENSURE(count < UINT16_MAX);
    if (!take_arrays(table, count)) {
        cmd_table_drop(table);
        return NULL;
    }
    for (; *groups != NULL; groups++) {
        for (const struct command *row = *groups; row->name != NULL; row++)
            add_with_subcommands(table, row);
    }
    fill_slots(table);
    return table;
}

void cmd_table_drop(struct cmd_table *table)
{
    if (table == NULL)
        return;
    for (uint32_t i = 0; i < table->count; i++) {
        histogram_drop(table->rows[i].counters.latency);
        memory_give(table->renamed[i]);
    }
    memory_give(table->slots);
    memory_give(table->rows);
    memory_give(table->commands);
    memory_give(table->full_names);
    memory_give(table->renamed);
    memory_give(table);
}

enum err cmd_table_rename(struct cmd_table *table, struct bytes from, struct bytes to)
{
    struct command_row *row = cmd_table_by_name(table, from);
    if (row == NULL)
        return ERR_MISSING;
    if (to.count > 0 && cmd_table_by_name(table, to) != NULL)
        return ERR_EXISTS;
    char *name = NULL;
    if (to.count > 0) {
        name = memory_take_zeroed(to.count + 1);
        if (name == NULL)
            return ERR_MEMORY;
        memcpy(name, to.at, to.count);
    }
    memory_give(table->renamed[row - table->rows]);
    table->renamed[row - table->rows] = name;
    row->name = name;
    fill_slots(table);
    return ERR_NONE;
}

/* --- finding ---------------------------------------------------------------------------------- */

struct command_row *cmd_table_find(struct cmd_table *table, const struct bytes *argv, uint32_t argc)
{
    struct command_row *row = find_name(table, NULL, argv[0]);
    if (row == NULL || LIKELY(row->subcommands == NULL) || argc == 1)
        return row;
    return find_name(table, row, argv[1]);
}

struct command_row *cmd_table_by_name(struct cmd_table *table, struct bytes name)
{
    return find_name(table, NULL, name);
}

struct command_row *cmd_table_subcommand(struct cmd_table *table, const struct command_row *row,
                                         struct bytes name)
{
    return row->subcommands != NULL ? find_name(table, row, name) : NULL;
}

struct command_row *cmd_table_by_full_name(struct cmd_table *table, struct bytes name)
{
    const uint8_t *bar = name.count > 0 ? memchr(name.at, '|', name.count) : NULL;
    if (bar == NULL)
        return cmd_table_by_name(table, name);
    size_t before = (size_t)(bar - name.at);
    struct command_row *row = cmd_table_by_name(table, bytes_of(name.at, before));
    if (row == NULL)
        return NULL;
    return cmd_table_subcommand(table, row, bytes_of(bar + 1, name.count - before - 1));
}

uint32_t cmd_table_count(const struct cmd_table *table)
{
    return table->count;
}

struct command_row *cmd_table_at(const struct cmd_table *table, uint32_t index)
{
    DCHECK(index < table->count);
    return &table->rows[index];
}

struct command_row *cmd_table_row(const struct cmd_table *table, const struct command *command)
{
    return cmd_table_at(table, command->id);
}

/* --- refusals --------------------------------------------------------------------------------- */

enum { SHOWN_MAX = 128 };

/* At most `most` bytes, and as C strings end: at a zero. */
static int shown(struct bytes text, size_t most)
{
    size_t count = text.count < most ? text.count : most;
    const uint8_t *end = count > 0 ? memchr(text.at, 0, count) : NULL;
    return (int)(end != NULL ? (size_t)(end - text.at) : count);
}

static const char *chars(struct bytes text)
{
    return text.count > 0 ? (const char *)text.at : "";
}

static void unknown_subcommand(const struct bytes *argv, struct reply *reply)
{
    char upper[NAME_MAX_BYTES * 4 + 1];
    size_t count = argv[0].count < sizeof upper - 1 ? argv[0].count : sizeof upper - 1;
    for (size_t i = 0; i < count; i++) {
        uint8_t byte = argv[0].at[i];
        upper[i] = (char)(byte >= 'a' && byte <= 'z' ? byte - 0x20 : byte);
    }
    upper[count] = '\0';
    reply_errorf(reply, "ERR unknown subcommand '%.*s'. Try %s HELP.", shown(argv[1], SHOWN_MAX),
                 chars(argv[1]), upper);
}

/* The arguments in quotes, until 128 bytes of them are shown. */
static void unknown_command(const struct bytes *argv, uint32_t argc, struct reply *reply)
{
    char arguments[SHOWN_MAX * 2];
    size_t used = 0;
    for (uint32_t i = 1; i < argc && used < SHOWN_MAX; i++) {
        int added = snprintf(arguments + used, sizeof arguments - used, "'%.*s' ",
                             shown(argv[i], SHOWN_MAX - used), chars(argv[i]));
        used += added > 0 ? (size_t)added : 0;
    }
    arguments[used] = '\0';
    reply_errorf(reply, "ERR unknown command '%.*s', with args beginning with: %s",
                 shown(argv[0], SHOWN_MAX), chars(argv[0]), arguments);
}

void cmd_table_unknown(struct cmd_table *table, const struct bytes *argv, uint32_t argc,
                       struct reply *reply)
{
    if (argc > 1 && cmd_table_by_name(table, argv[0]) != NULL)
        unknown_subcommand(argv, reply);
    else
        unknown_command(argv, argc, reply);
}

void cmd_table_wrong_arity(const struct command_row *row, struct reply *reply)
{
    reply_errorf(reply, "ERR wrong number of arguments for '%s' command", row->full_name);
}

/* --- figures ---------------------------------------------------------------------------------- */

struct cmd_figures *cmd_table_figures(struct cmd_table *table)
{
    return &table->figures;
}

/* Puts a code where the order wants it. */
static void insert_code(struct cmd_figures *figures, uint32_t at, const char *code)
{
    struct error_count *place = &figures->codes[at];
    memmove(place + 1, place, (figures->code_count - at) * sizeof *place);
    figures->code_count++;
    snprintf(place->code, sizeof place->code, "%s", code);
    place->count = 1;
}

bool cmd_table_count_error(struct cmd_table *table, const char *code)
{
    struct cmd_figures *figures = &table->figures;
    figures->error_replies++;
    if (figures->codes_off)
        return true;
    uint32_t at = 0;
    while (at < figures->code_count && strcmp(figures->codes[at].code, code) < 0)
        at++;
    if (at < figures->code_count && strcmp(figures->codes[at].code, code) == 0) {
        figures->codes[at].count++;
        return true;
    }
    figures->codes_off = figures->code_count == ERROR_CODES_MAX;
    if (!figures->codes_off) {
        insert_code(figures, at, code);
        return true;
    }
    figures->code_count = 0;
    insert_code(figures, 0, "ERRORSTATS_DISABLED");
    return false;
}

void cmd_table_count_latency(struct command_row *row, uint64_t ns)
{
    struct command_counters *counters = &row->counters;
    if (UNLIKELY(counters->latency == NULL)) {
        counters->latency = histogram_new();
        if (counters->latency == NULL)
            return;
    }
    histogram_add(counters->latency, ns);
}

void cmd_table_reset(struct cmd_table *table)
{
    for (uint32_t i = 0; i < table->count; i++) {
        histogram_drop(table->rows[i].counters.latency);
        table->rows[i].counters = (struct command_counters){ 0 };
    }
    table->figures = (struct cmd_figures){ 0 };
}
