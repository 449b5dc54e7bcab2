#include "types/value.h"

#include "types/hash.h"
#include "types/limits.h"
#include "types/list.h"
#include "types/set.h"
#include "types/stream.h"
#include "types/string.h"
#include "types/zset.h"

static const struct type_ops *const type_rows[VALUE_TYPES] = {
    [VALUE_STRING] = &string_ops, [VALUE_SET] = &set_ops,   [VALUE_HASH] = &hash_ops,
    [VALUE_STREAM] = &stream_ops, [VALUE_ZSET] = &zset_ops, [VALUE_LIST] = &list_ops,
};

const struct type_limits type_limits_default = {
    .hash_listpack_entries = 512,
    .hash_listpack_value = 64,
    .list_listpack_size = -2,
    .list_compress_depth = 0,
    .set_intset_entries = 512,
    .set_listpack_entries = 128,
    .set_listpack_value = 64,
    .zset_listpack_entries = 128,
    .zset_listpack_value = 64,
    .hll_sparse_bytes = 3000,
    .stream_node_bytes = 4096,
    .stream_node_entries = 100,
};

const struct type_ops *type_ops(unsigned type)
{
    return type < VALUE_TYPES ? type_rows[type] : NULL;
}

void value_drop(struct space *space, const struct value *value)
{
    uint64_t cursor = 0;
    while (!type_ops(value->type)->free_step(space, value, &cursor))
        continue;
}
