#include "observe/memory_parts.h"

const char *memory_part_name(enum memory_part part)
{
    static const char *const names[MEMORY_PARTS] = {
        [MEMORY_DATA_STRING] = "data.string",
        [MEMORY_DATA_LIST] = "data.list",
        [MEMORY_DATA_SET] = "data.set",
        [MEMORY_DATA_ZSET] = "data.zset",
        [MEMORY_DATA_HASH] = "data.hash",
        [MEMORY_DATA_STREAM] = "data.stream",
        [MEMORY_INDEX] = "index",
        [MEMORY_HEAP_FREE_CELLS] = "heap.free-cells",
        [MEMORY_HEAP_FREE_SPANS] = "heap.free-spans",
        [MEMORY_HEAP_TABLES] = "heap.tables",
        [MEMORY_SNAPSHOT] = "snapshot",
        [MEMORY_CLIENT_STRUCTS] = "clients.structs",
        [MEMORY_CLIENT_INPUT] = "clients.input",
        [MEMORY_CLIENT_OUTPUT] = "clients.output",
        [MEMORY_CLIENT_TLS] = "clients.tls",
        [MEMORY_CLIENT_TABLES] = "clients.tables",
        [MEMORY_REPLICATION] = "replication",
        [MEMORY_LOG_BUFFERS] = "log.buffers",
        [MEMORY_SCRIPTS] = "scripts",
        [MEMORY_FUNCTIONS] = "functions",
        [MEMORY_WATCHING] = "watching",
        [MEMORY_SERVER] = "server",
        [MEMORY_MALLOC_HOLES] = "malloc.free-blocks",
        [MEMORY_MALLOC_SPARE] = "malloc.free-pages",
        [MEMORY_CODE] = "code",
    };
    return names[part];
}
