/* cmd/sort_command.h - SORT and SORT_RO, and the steps that they are made of.
 * Model:    options are read, items loaded (sort_load.c), weighed and put in order, then told or
 *           stored, where patterns are looked up (sort_lookup.c) once more.
 * Owner:    the command; all of it lives in the call's arena.
 * Pointers: texts are views of the value that is sorted, or of the arena: good until the result is
 *           stored.
 * Threads:  the executing thread.
 * Failure:  an error reply, and nothing has changed.
 * Cost:     32 bytes an item; O(n log n). */
#ifndef CMD_SORT_COMMAND_H
#define CMD_SORT_COMMAND_H

#include "cmd/args.h"
#include "types/string.h"

void cmd_sort(struct call *call);
void cmd_sort_ro(struct call *call);

/* The key that is sorted and, SORT, the last one that STORE names. */
int find_keys_of_sort(const struct bytes *argv, uint32_t argc, struct key_at *keys, uint32_t most);
int find_keys_of_sort_ro(const struct bytes *argv, uint32_t argc, struct key_at *keys,
                         uint32_t most);

struct sort_item {
    struct bytes text;
    union {
        double score;
        struct bytes by; /* ALPHA with BY; at NULL: no such key */
    };
};

struct sort {
    struct call *call;
    struct bytes by; /* a pattern with an asterisk; at NULL: by the items themselves */
    bool no_order;   /* BY a constant: as they come */
    bool descending, alpha;
    bool reads_all;     /* the user may read every key: patterns lead anywhere */
    int64_t skip, most; /* LIMIT; most negative: all */
    uint32_t store_at;  /* argument; 0: none */
    uint32_t gets;      /* patterns of GET... */
    uint32_t *get_at;   /* ...and where they stand */

    struct sort_item *items;
    uint64_t count;
    uint64_t from, to; /* of the items, what is told: from <= to <= count */
    bool not_a_number; /* some weight */
    bool no_memory;

    uint8_t *name; /* of the key looked up last */
    size_t name_room;
};

/* Loads the items of the key's value; only those of the LIMIT where no order is asked for. False:
 * the error is written. */
MUST_CHECK bool sort_load(struct sort *sort);

/* Room for the digits that a string kept as a number is viewed with. */
union sort_room {
    struct string_scratch string;
    uint8_t digits[NUMBER_I64_MAX];
};
/* The value that the pattern leads to with the item's text in place of its asterisk: a string, or
 * a field of a hash; "#" is the text. at NULL: none. */
struct bytes sort_lookup(struct sort *sort, struct bytes pattern, struct bytes text,
                         union sort_room *room);
/* A copy in the arena; no_memory is set when there is none. */
struct bytes sort_keep(struct sort *sort, struct bytes text);

#endif
