#include "persist/leftover.h"
#include "base/number.h"
#include "persist/aof_disk.h"

#include <fcntl.h>
#include <stdio.h>

enum { KEPT_MAX = 64 };

/* Names are gathered first: what is removed while a directory is read may hide others. */
struct search {
    const struct leftovers *leftovers;
    char names[KEPT_MAX][256];
    unsigned count;
};

/* The number between both ends; 0: the name is another. */
static int64_t number_between(struct bytes name, struct bytes before, struct bytes after)
{
    int64_t number;
    if (name.count <= before.count + after.count || memcmp(name.at, before.at, before.count) != 0 ||
        memcmp(name.at + name.count - after.count, after.at, after.count) != 0)
        return 0;
    struct bytes digits = bytes_of(name.at + before.count, name.count - before.count - after.count);
    return number_read_i64(digits, &number) && number > 0 ? number : 0;
}

static int64_t process_of(struct bytes name)
{
    int64_t process = number_between(name, BYTES("temp-"), BYTES(".rdb"));
    if (process == 0)
        process = number_between(name, BYTES("temp-rewriteaof-"), BYTES(".aof"));
    if (process == 0)
        process = number_between(name, BYTES("temp-rewriteaof-bg-"), BYTES(".aof"));
    return process;
}

static bool is_leftover(const struct leftovers *leftovers, const char *name)
{
    const struct seam *seam = leftovers->seam;
    int64_t process = process_of(bytes_of_text(name));
    if (process > 0)
        return !seam->other_process(seam->context, process);
    return leftovers->prefix != NULL &&
           strncmp(name, leftovers->prefix, strlen(leftovers->prefix)) == 0;
}

static bool take(void *taker, const char *name)
{
    struct search *search = taker;
    char *kept = search->names[search->count];
    if (!is_leftover(search->leftovers, name))
        return true;
    int count = snprintf(kept, sizeof search->names[0], "%s", name);
    search->count += count > 0 && (size_t)count < sizeof search->names[0];
    return search->count < KEPT_MAX;
}

/* A process in another container has a number that says nothing here; its lock does. */
static bool remove_free(const struct leftovers *leftovers, const char *name)
{
    const struct seam *seam = leftovers->seam;
    char path[AOF_PATH_MAX];
    int count = snprintf(path, sizeof path, "%s/%s", leftovers->directory, name);
    if (count <= 0 || (size_t)count >= sizeof path)
        return false;
    int file = seam->open(seam->context, path, O_RDWR, 0);
    if (file < 0)
        return false;
    bool removed = seam->lock(seam->context, file) == 0 && seam->unlink(seam->context, path) == 0;
    seam->close(seam->context, file);
    return removed;
}

void leftovers_remove(const struct leftovers *leftovers)
{
    struct search search = { .leftovers = leftovers };
    const struct seam *seam = leftovers->seam;
    bool whole = seam->list(seam->context, leftovers->directory, take, &search);
    (void)whole; /* what was seen */
    for (unsigned at = 0; at < search.count; at++)
        if (remove_free(leftovers, search.names[at]))
            leftovers->removed(leftovers->context, search.names[at]);
}
