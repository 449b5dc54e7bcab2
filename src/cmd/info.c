#include "cmd/info.h"

#include "cmd/memory.h"

#include <stdarg.h>
#include <stdio.h>

struct section {
    const char *name, *title;
    void (*write)(struct info *info);
    bool by_default;   /* INFO without arguments */
    const char *alias; /* NULL: none */
};

static void info_modules(struct info *info)
{
    (void)info; /* there are no modules: the title stands alone, as clients expect it */
}

static const struct section sections[] = {
    { "server", "Server", info_server, true, NULL },
    { "clients", "Clients", info_clients, true, NULL },
    { "memory", "Memory", info_memory, true, NULL },
    { "persistence", "Persistence", info_persistence, true, NULL },
    { "stats", "Stats", info_stats, true, NULL },
    { "replication", "Replication", info_replication, true, NULL },
    { "cpu", "CPU", info_cpu, true, NULL },
    { "modules", "Modules", info_modules, true, "module_list" },
    { "commandstats", "Commandstats", info_commandstats, false, NULL },
    { "errorstats", "Errorstats", info_errorstats, true, NULL },
    { "latencystats", "Latencystats", info_latencystats, false, NULL },
    { "cluster", "Cluster", info_cluster, true, NULL },
    { "keyspace", "Keyspace", info_keyspace, true, NULL },
};
enum { SECTIONS = sizeof sections / sizeof *sections };

static void append(struct info *info, const char *format, va_list arguments)
{
    char line[1024];
    int count = vsnprintf(line, sizeof line, format, arguments);
    size_t used = count < 0 ? 0 : (size_t)count < sizeof line ? (size_t)count : sizeof line - 1;
    if (!buffer_append(&info->text, bytes_of(line, used)) ||
        !buffer_append(&info->text, BYTES("\r\n")))
        info->failed = true;
}

void info_line(struct info *info, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    append(info, format, arguments);
    va_end(arguments);
}

void info_count(struct info *info, const char *name, uint64_t value)
{
    info_line(info, "%s:%llu", name, (unsigned long long)value);
}

void info_human(char *at, uint64_t bytes)
{
    static const char units[] = { 'K', 'M', 'G', 'T', 'P' };
    double value = (double)bytes / 1024;
    unsigned unit = 0;
    if (bytes < 1024) {
        snprintf(at, INFO_HUMAN_MAX, "%lluB", (unsigned long long)bytes);
        return;
    }
    for (; value >= 1024 && unit + 1 < sizeof units; unit++)
        value /= 1024;
    snprintf(at, INFO_HUMAN_MAX, "%.2f%c", value, units[unit]);
}

void info_bytes(struct info *info, const char *name, uint64_t bytes)
{
    char human[INFO_HUMAN_MAX];
    info_human(human, bytes);
    info_count(info, name, bytes);
    info_line(info, "%s_human:%s", name, human);
}

static bool is_asked(const struct section *section, const struct bytes *names, uint32_t count)
{
    if (count == 0)
        return section->by_default;
    for (uint32_t at = 0; at < count; at++)
        if (bytes_is(names[at], section->name) || bytes_is(names[at], "all") ||
            (section->alias != NULL && bytes_is(names[at], section->alias)) ||
            bytes_is(names[at], "everything") ||
            (bytes_is(names[at], "default") && section->by_default))
            return true;
    return false;
}

void info_write(struct info *info, const struct bytes *names, uint32_t count)
{
    for (unsigned at = 0; at < SECTIONS; at++) {
        if (!is_asked(&sections[at], names, count))
            continue;
        if (info->text.count > 0 && !buffer_append(&info->text, BYTES("\r\n")))
            info->failed = true;
        info_line(info, "# %s", sections[at].title);
        sections[at].write(info);
    }
}

void info_command(struct call *call)
{
    struct info info = { .context = call->context };
    info_write(&info, call->argv + 1, call->argc - 1);
    if (info.failed)
        call_memory_error(call);
    else
        reply_verbatim(call->reply, "txt", buffer_view(&info.text));
    buffer_release(&info.text);
}
