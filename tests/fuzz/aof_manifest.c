/* A manifest from any bytes: what is taken is written, and read again the same. */
#include "persist/aof_manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count)
{
    struct aof_manifest first = { 0 }, second = { 0 };
    struct aof_manifest_fault fault;
    struct buffer text = { 0 }, again = { 0 };
    enum err err = aof_manifest_parse(&first, bytes_of(at, count), &fault);
    ENSURE(err != ERR_MEMORY && (err == ERR_NONE) == (fault.reason == NULL));
    if (err == ERR_NONE && first.count > 0) {
        ENSURE(aof_manifest_format(&first, &text) == ERR_NONE);
        ENSURE(aof_manifest_parse(&second, buffer_view(&text), &fault) == ERR_NONE);
        ENSURE(aof_manifest_format(&second, &again) == ERR_NONE);
        ENSURE(bytes_equal(buffer_view(&text), buffer_view(&again)));
    }
    buffer_release(&text);
    buffer_release(&again);
    aof_manifest_release(&first);
    aof_manifest_release(&second);
    return 0;
}
