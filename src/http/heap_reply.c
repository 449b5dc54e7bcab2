#include "http/heap_reply.h"

#include "base/memory.h"

#include <endian.h>
#include <string.h>

enum {
    BLOCK_BYTES = 4 + 4 * PICTURE_BLOCK_ROWS,
    PIECE_BYTES = 4 * BLOCK_BYTES, /* how much is asked for at a time */
};

struct heap_reader {
    const struct heap_picture *picture;
    uint64_t *unsent_bytes;
    size_t bytes; /* of these */
    uint32_t count;
    uint8_t header[HEAP_REPLY_HEADER];
    uint32_t held; /* the block that `block` is of, an index; UINT32_MAX: none */
    uint8_t block[BLOCK_BYTES];
    uint32_t blocks[];
};

static void put_u32(uint8_t *at, uint32_t value)
{
    uint32_t little = htole32(value);
    memcpy(at, &little, sizeof little);
}

static void put_header(struct heap_reader *reader, uint64_t start_ms, uint32_t rows, uint32_t sweep)
{
    uint64_t little = htole64(start_ms);
    memcpy(reader->header, "SNUGHEAP", 8);
    put_u32(reader->header + 8, 1);
    put_u32(reader->header + 12, HEAP_REPLY_HEADER);
    memcpy(reader->header + 16, &little, sizeof little);
    put_u32(reader->header + 24, rows);
    put_u32(reader->header + 28, sweep);
    put_u32(reader->header + 32, PICTURE_BLOCK_ROWS);
    put_u32(reader->header + 36, reader->count);
}

static void hold_block(struct heap_reader *reader, uint32_t index)
{
    uint32_t words[PICTURE_BLOCK_ROWS];
    if (reader->held == index)
        return;
    reader->held = index;
    heap_picture_copy(reader->picture, reader->blocks[index], words);
    put_u32(reader->block, reader->blocks[index]);
    for (uint32_t at = 0; at < PICTURE_BLOCK_ROWS; at++)
        put_u32(reader->block + 4 + (size_t)4 * at, words[at]);
}

/* microhttpd asks for the bytes from `offset` on. */
static ssize_t read_on(void *context, uint64_t offset, char *to, size_t most)
{
    struct heap_reader *reader = context;
    size_t done = 0;
    while (done < most) {
        uint64_t at = offset + done;
        const uint8_t *from = reader->header + at;
        size_t left = at < HEAP_REPLY_HEADER ? (size_t)(HEAP_REPLY_HEADER - at) : 0;
        if (left == 0) {
            uint64_t index = (at - HEAP_REPLY_HEADER) / BLOCK_BYTES;
            size_t within = (size_t)((at - HEAP_REPLY_HEADER) % BLOCK_BYTES);
            if (index >= reader->count)
                break;
            hold_block(reader, (uint32_t)index);
            from = reader->block + within;
            left = BLOCK_BYTES - within;
        }
        left = left < most - done ? left : most - done;
        memcpy(to + done, from, left);
        done += left;
    }
    return done > 0 ? (ssize_t)done : MHD_CONTENT_READER_END_OF_STREAM;
}

static void reply_sent(void *context)
{
    struct heap_reader *reader = context;
    *reader->unsent_bytes -= reader->bytes;
    memory_give(reader);
}

/* Rows of the first sweep, before it ends, are not counted yet: nothing is told of them. */
struct MHD_Response *heap_reply(const struct published *published, uint32_t since,
                                uint64_t *unsent_bytes)
{
    const struct heap_picture *picture = published->picture;
    uint32_t sweep = heap_picture_sweep(picture), rows = heap_picture_rows(picture);
    uint32_t blocks = (rows + PICTURE_BLOCK_ROWS - 1) / PICTURE_BLOCK_ROWS;
    size_t bytes = sizeof(struct heap_reader) + blocks * sizeof(uint32_t);
    struct heap_reader *reader = memory_take(bytes);
    if (reader == NULL)
        return NULL;
    memset(reader, 0, sizeof *reader);
    reader->picture = picture;
    reader->unsent_bytes = unsent_bytes;
    reader->bytes = bytes + PIECE_BYTES; /* microhttpd's own room for a piece */
    reader->held = UINT32_MAX;
    if (since > sweep)
        since = 0;
    for (uint32_t at = 0; at < blocks; at++)
        if (heap_picture_changed(picture, at, since))
            reader->blocks[reader->count++] = at;
    put_header(reader, published->start_wall_ms, rows, sweep);
    struct MHD_Response *response =
        MHD_create_response_from_callback(HEAP_REPLY_HEADER + (uint64_t)reader->count * BLOCK_BYTES,
                                          PIECE_BYTES, read_on, reader, reply_sent);
    if (response == NULL) {
        memory_give(reader);
        return NULL;
    }
    *unsent_bytes += reader->bytes;
    return response;
}
