/* types/limits.h - up to what size a value keeps its compact form, as the options say.
 * Model:    one field for each option of the same name; negative or huge numbers are as they are in
 *           the option. What OBJECT ENCODING says goes by these at the time of a change.
 * Owner:    store/ holds them; server/ sets them from the configuration.
 * Pointers: none.
 * Threads:  the executing thread.
 * Failure:  none.
 * Cost:     none. */
#ifndef TYPES_LIMITS_H
#define TYPES_LIMITS_H

#include <stdint.h>

struct type_limits {
    int64_t hash_listpack_entries;
    uint64_t hash_listpack_value; /* bytes */
    int64_t list_listpack_size;   /* items, or -1 to -5: 4, 8, 16, 32, 64 KiB */
    int64_t list_compress_depth;
    int64_t set_intset_entries;
    int64_t set_listpack_entries;
    int64_t set_listpack_value; /* bytes */
    int64_t zset_listpack_entries;
    uint64_t zset_listpack_value; /* bytes */
    uint64_t hll_sparse_bytes;
    uint64_t stream_node_bytes; /* 0: no limit */
    int64_t stream_node_entries;
};

/* Redis 7.2's defaults. */
extern const struct type_limits type_limits_default;

#endif
