/* cmd/info.h - INFO: sections of lines, "name:value".
 * Model:    a row for each section; a section is a function that appends its lines.
 * Owner:    the INFO command, and whoever else wants the text (the crash report, metrics).
 * Pointers: none kept.
 * Threads:  the executing thread.
 * Failure:  lines that find no memory are left out, and `failed` is set.
 * Cost:     some 20 us for all; commandstats grow with the commands used. */
#ifndef CMD_INFO_H
#define CMD_INFO_H

#include "base/buffer.h"
#include "cmd/context.h"
#include "observe/memory_report.h"

struct info {
    const struct cmd_context *context;
    struct buffer text;
    bool failed;
};

/* "name:" and the value as printf says. */
void info_line(struct info *info, const char *format, ...) __attribute__((format(printf, 2, 3)));
void info_count(struct info *info, const char *name, uint64_t value);
/* `name` in bytes, and name_human as "1.50M". */
void info_bytes(struct info *info, const char *name, uint64_t bytes);

/* Sections by name; all that INFO knows when `count` is 0. For "default", "all", "everything" and
 * names in any case. */
void info_write(struct info *info, const struct bytes *names, uint32_t count);

/* "0B", "1.50K", "2.00M": at most INFO_HUMAN_MAX bytes with NUL. */
enum { INFO_HUMAN_MAX = 32 };
void info_human(char *at, uint64_t bytes);

void info_server(struct info *info);
void info_clients(struct info *info);
void info_memory(struct info *info);
void info_persistence(struct info *info);
void info_stats(struct info *info);
void info_replication(struct info *info);
void info_cpu(struct info *info);
void info_commandstats(struct info *info);
void info_errorstats(struct info *info);
void info_latencystats(struct info *info);
void info_cluster(struct info *info);
void info_keyspace(struct info *info);

#endif
