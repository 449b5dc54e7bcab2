/* cmd/string_edit.h - the strings that commands work on: viewed, stored, or opened for writing.
 * Model:    a string is an integer, bytes in its entry or bytes in a run of pages; here all three
 *           look like plain bytes, and opening one makes it plain (OBJECT ENCODING says raw).
 * Owner:    the store owns what is stored; scratch and arena are the command's.
 * Pointers: an open string and a view are good until the next change of any key in the command.
 * Threads:  the executing thread.
 * Failure:  false or NULL: the error reply is written, and nothing has changed.
 * Cost:     O(bytes added); a whole copy where the entry's block changes. */
#ifndef CMD_STRING_EDIT_H
#define CMD_STRING_EDIT_H

#include "cmd/args.h"
#include "types/string.h"

/* A string looked at. `content` may lie in `scratch`: the struct must stay where it is. */
struct string_reading {
    const struct entry *entry; /* NULL: absent, and content is empty */
    struct bytes content;
    struct string_scratch scratch;
};
void string_read(struct call *call, const struct entry *entry, struct string_reading *reading);
/* Its length alone; 0 when absent. */
size_t string_length(struct call *call, const struct entry *entry);

/* The string as a bulk reply. */
void string_reply_slow(struct call *call, const struct entry *entry);
static inline void string_reply(struct call *call, const struct entry *entry)
{
    if (LIKELY(entry_encoding(entry) & STRING_RAW)) /* raw and appended: the bytes themselves */
        reply_bulk(call->reply, entry_body(entry));
    else
        string_reply_slow(call, entry);
}
_Static_assert((STRING_RAW & 1) && (STRING_APPENDED & 1) && !(STRING_INT & 1) && !(STRING_BIG & 1),
               "the odd encodings are plain bytes in the entry");

/* Makes the key hold `content`, whatever it held; `entry` as for store_put. */
MUST_CHECK bool string_store(struct call *call, const struct key *key, struct entry *entry,
                             struct bytes content, int64_t expiry, enum event event);

/* True when a string of `count` and `more` bytes is within proto-max-bulk-len. */
MUST_CHECK bool string_fits(struct call *call, uint64_t count, uint64_t more);

/* Opens the key's string to be written in place, with at least `count` bytes, zeros after what it
 * had; an absent key (entry NULL) is made, which takes count > 0. The expiry stays. */
struct string_open {
    uint8_t *at;
    size_t count;
};
MUST_CHECK bool string_open(struct call *call, const struct key *key, struct entry *entry,
                            size_t count, enum event event, struct string_open *open);

/* The same of a string that is long enough and not going to change: Redis makes it raw by merely
 * looking at it for writing. */
MUST_CHECK bool string_unpack(struct call *call, const struct key *key, struct entry *entry);

#endif
