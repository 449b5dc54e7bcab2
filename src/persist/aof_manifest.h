/* persist/aof_manifest.h - which files the append-only log is made of, and in which order.
 * Model:    a file of lines `file NAME seq N type T`: at most one base (b), increments (i) whose
 *           numbers rise, and history (h): files that are to be deleted. Loading reads the base,
 *           then the increments. As Redis 7 has it: names are quoted where they must be, fields
 *           that are not known are passed over, lines that begin with # too.
 * Owner:    the caller, until aof_manifest_release.
 * Pointers: files hold until the manifest changes.
 * Threads:  one at a time.
 * Failure:  ERR_SYNTAX with line and reason; ERR_MEMORY; ERR_LIMIT: a name too long, too many
 *           files. The manifest is as it was.
 * Cost:     O(files). */
#ifndef PERSIST_AOF_MANIFEST_H
#define PERSIST_AOF_MANIFEST_H

#include "persist/aof_disk.h"

enum aof_kind { AOF_BASE = 'b', AOF_HISTORY = 'h', AOF_INCREMENT = 'i' };
enum { AOF_NAME_MAX = 255, AOF_FILES_MAX = 100000, AOF_MANIFEST_LINE_MAX = 2048 };
enum { AOF_MANIFEST_MAX = 32 * 1024 * 1024 }; /* bytes */

struct aof_file {
    char name[AOF_NAME_MAX + 1];
    int64_t sequence;
    enum aof_kind kind;
};

struct aof_manifest {
    struct aof_file *files; /* in the order of the file */
    uint32_t count, capacity;
    int64_t base_sequence, increment_sequence; /* the greatest given so far */
};

struct aof_manifest_fault {
    unsigned line;      /* from 1; 0: not of a line */
    const char *reason; /* static text */
};

void aof_manifest_release(struct aof_manifest *manifest); /* all zero is a valid empty one */
/* pre: `manifest` is empty, and is so again on failure. */
MUST_CHECK enum err aof_manifest_parse(struct aof_manifest *manifest, struct bytes text,
                                       struct aof_manifest_fault *fault);
/* The text: the base first, then history, then increments. */
MUST_CHECK enum err aof_manifest_format(const struct aof_manifest *manifest, struct buffer *text);
MUST_CHECK enum err aof_manifest_copy(const struct aof_manifest *from, struct aof_manifest *to);

/* NULL: there is none. `nth` counts from 0 within the kind. */
const struct aof_file *aof_manifest_nth(const struct aof_manifest *manifest, enum aof_kind kind,
                                        uint32_t nth);
uint32_t aof_manifest_count(const struct aof_manifest *manifest, enum aof_kind kind);

/* A new file named after `name`; a base that was there becomes history. */
MUST_CHECK enum err aof_manifest_add_base(struct aof_manifest *manifest, const char *name,
                                          bool rdb);
MUST_CHECK enum err aof_manifest_add_increment(struct aof_manifest *manifest, const char *name);
/* A base of this name exactly, as the upgrade of a single file has it. pre: the manifest is empty.
 */
MUST_CHECK enum err aof_manifest_adopt(struct aof_manifest *manifest, const char *name);
/* All increments but the last become history: a base holds what they say. */
void aof_manifest_retire(struct aof_manifest *manifest);
void aof_manifest_forget_history(struct aof_manifest *manifest);

/* NAME.manifest of the place. ERR_MISSING: there is none. */
MUST_CHECK enum err aof_manifest_load(const struct aof_place *place, struct aof_manifest *manifest,
                                      struct aof_manifest_fault *fault);
/* Replaces it as a whole: whatever fails leaves the one before, or, at the last sync of the
 * directory, either of both. */
MUST_CHECK enum err aof_manifest_save(const struct aof_place *place,
                                      const struct aof_manifest *manifest);

#endif
