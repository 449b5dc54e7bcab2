/* persist/output.h - a file written by a thread of its own, whole or not at all.
 * Model:    bytes are handed over and queue up; the thread writes them to temp-<pid>.rdb in the
 *           directory, syncs as it goes, and at the end gives the file its name:
 *
 *             bytes -> queue -> temp file -> sync -> close -> rename -> sync of the directory
 *
 *           Whatever fails before the rename leaves the file that was there as it was, and no
 *           temporary one.
 * Owner:    the output owns its thread, its file and the bytes handed over.
 * Pointers: none kept.
 * Threads:  every function from the executing thread; the seam's files from the output's own.
 * Failure:  output_state says OUTPUT_FAILED, output_error at what and why.
 * Cost:     no copy; a lock for each hand-over. Only output_wait and output_drop may block. */
#ifndef PERSIST_OUTPUT_H
#define PERSIST_OUTPUT_H

#include "base/buffer.h"
#include "base/seam.h"

struct output;

struct output_options {
    const struct seam *seam;
    const char *directory, *name; /* copied */
    uint64_t sync_bytes;          /* how much is written between two syncs; 0: one at the end */
};

enum output_state {
    OUTPUT_OPEN,      /* takes bytes */
    OUTPUT_ENDING,    /* finished or cancelled, and not yet done */
    OUTPUT_DONE,      /* the file has its name */
    OUTPUT_CANCELLED, /* there is no trace of it */
    OUTPUT_FAILED,
};

struct output_error {
    const char *step; /* static text: "open", "write" ... */
    int number;       /* errno */
};

/* NULL: no memory, or no thread. The file is opened by the thread. */
MUST_CHECK struct output *output_new(const struct output_options *options);
/* Takes the buffer's bytes and leaves it empty. ERR_MEMORY: it is as before; ERR_SYSTEM: the output
 * has failed. pre: open. */
MUST_CHECK enum err output_give(struct output *output, struct buffer *bytes);
/* No more bytes will come; the file is whole. pre: open. */
void output_finish(struct output *output);
/* What is queued is of no use. Does nothing where it is finished and named already. */
void output_cancel(struct output *output);
enum output_state output_state(struct output *output);
struct output_error output_error(struct output *output);
/* Bytes that were handed over and are not written yet. */
uint64_t output_pending(struct output *output);
/* Waits until fewer than `bytes` are pending, the output has ended, or `most_ns` are over. */
void output_wait(struct output *output, uint64_t bytes, uint64_t most_ns);
/* Waits for the thread to end, cancelling what is not finished. NULL is allowed. */
void output_drop(struct output *output);

#endif
