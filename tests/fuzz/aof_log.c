/* A log from any bytes: what is told is within what was read, and reading it in pieces of any size
 * tells the same. */
#include "base/buffer.h"
#include "persist/aof_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count);

struct input {
    struct bytes rest;
    size_t piece;
};

static ssize_t give(void *context, void *at, size_t bytes)
{
    struct input *input = context;
    size_t part = bytes < input->rest.count ? bytes : input->rest.count;
    part = part < input->piece ? part : input->piece;
    if (part > 0)
        memcpy(at, input->rest.at, part);
    input->rest = bytes_of(input->rest.at + part, input->rest.count - part);
    return (ssize_t)part;
}

static enum aof_result read_all(struct bytes bytes, size_t piece, struct buffer *told,
                                uint64_t *whole)
{
    struct input input = { bytes, piece };
    struct aof_source source = { give, &input, bytes.count };
    struct aof_reader reader;
    enum aof_result result;
    aof_reader_init(&reader, &source);
    for (;;) {
        result = aof_reader_next(&reader);
        if (result == AOF_NOTE)
            ENSURE(buffer_append(told, reader.note));
        else if (result != AOF_COMMAND)
            break;
        for (uint32_t i = 0; i < reader.argc && result == AOF_COMMAND; i++)
            ENSURE(buffer_append(told, reader.argv[i]));
        ENSURE(reader.whole <= bytes.count);
    }
    ENSURE(result != AOF_BAD || (reader.reason != NULL && reader.bad >= reader.whole));
    ENSURE(result != AOF_END || reader.whole == bytes.count);
    *whole = reader.whole;
    aof_reader_release(&reader);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count)
{
    struct buffer once = { 0 }, pieces = { 0 };
    uint64_t whole, again;
    if (count == 0)
        return 0;
    struct bytes rest = bytes_of(at + 1, count - 1);
    enum aof_result result = read_all(rest, SIZE_MAX, &once, &whole);
    ENSURE(result != AOF_UNREADABLE && result != AOF_NO_MEMORY);
    ENSURE(read_all(rest, 1u + at[0] % 16u, &pieces, &again) == result && whole == again);
    ENSURE(bytes_equal(buffer_view(&once), buffer_view(&pieces)));
    buffer_release(&once);
    buffer_release(&pieces);
    return 0;
}
