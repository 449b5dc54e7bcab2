#include "cmd/memory_ahead.h"

#include "cmd/bitmap_command.h"
#include "cmd/dump_command.h"
#include "cmd/string_command.h"
#include "cmd/transaction.h"
#include "conf/config.h"
#include "persist/rdb_read.h"
#include "types/string.h"

static uint64_t words_bytes(const struct net_request *request)
{
    uint64_t bytes = 0;
    for (uint32_t at = 1; at < request->argc; at++)
        bytes += request->argv[at].count;
    return bytes;
}

/* A number that may be an offset; 0 where it is none. */
static uint64_t offset_of(struct bytes word, uint64_t unit)
{
    int64_t number;
    if (!number_read_i64(word, &number) || number < 0 || !mul_i64(number, (int64_t)unit, &number))
        return 0;
    return (uint64_t)number;
}

/* The farthest byte that BITFIELD may write: "u8 #100", "i16 4000". */
static uint64_t bitfield_end(const struct net_request *request)
{
    uint64_t end = 0;
    for (uint32_t at = 2; at + 1 < request->argc; at++) {
        struct bytes type = request->argv[at], offset = request->argv[at + 1];
        uint64_t bits = 0;
        if (type.count >= 2 && (type.at[0] == 'u' || type.at[0] == 'i'))
            bits = offset_of(bytes_of(type.at + 1, type.count - 1), 1);
        if (bits == 0 || bits > 64 || offset.count == 0)
            continue;
        bool in_units = offset.at[0] == '#';
        uint64_t to = in_units ? offset_of(bytes_of(offset.at + 1, offset.count - 1), bits)
                               : offset_of(offset, 1);
        end = to / 8 > end ? to / 8 : end;
    }
    return end;
}

static uint64_t end_of_write(const struct command_row *row, const struct net_request *request)
{
    if (row->run == cmd_setrange)
        return offset_of(request->argv[2], 1);
    if (row->run == cmd_setbit)
        return offset_of(request->argv[2], 1) / 8;
    return row->run == cmd_bitfield ? bitfield_end(request) : 0;
}

/* Zeros between a string's end and the offset where it is written. */
static uint64_t gap(struct cmd_context *context, const struct net_request *request, uint64_t end)
{
    if (end < MEMORY_AHEAD_MIN || end > (uint64_t)context->config->proto_max_bulk_len)
        return 0;
    struct key key = store_key(context->store, request->argv[1]);
    struct entry *entry = store_look(context->store, request->client->db, &key);
    if (entry == NULL)
        return end;
    struct value value = entry_value(entry);
    if (entry_type(entry) != VALUE_STRING)
        return 0;
    uint64_t count = string_count(store_heap(context->store), &value);
    return count < end ? end - count : 0;
}

uint64_t memory_ahead(struct cmd_context *context, const struct command_row *row,
                      const struct net_request *request)
{
    uint64_t bytes = words_bytes(request);
    if (row->run == cmd_exec)
        bytes = transaction_figures(request->client).queued_bytes;
    else if (row->run == cmd_restore)
        bytes += 2 * rdb_dump_unpacked(request->argv[3]); /* unpacked beside the value */
    else
        bytes += gap(context, request, end_of_write(row, request));
    return bytes < MEMORY_AHEAD_MIN ? 0 : bytes;
}
