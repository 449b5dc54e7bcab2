/* Configuration read at start. */
#include "conf/file.h"

#include "base/memory.h"
#include "conf/reader.h"
#include "conf/values.h"
#include "conf/words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>

#ifndef SNUG_VERSION
#define SNUG_VERSION "0"
#endif

struct loader {
    const struct conf_source *source;
    struct config *config;
    struct conf_report *report;
    unsigned depth; /* of includes */
    unsigned files;
};

/* One line with its arguments, while it is carried out. */
struct line {
    struct bytes text;
    size_t number;
    struct conf_words words;
    struct option_reason reason;
};

static enum err fail_file(struct loader *loader, enum err err, const char *path, const char *reason)
{
    struct buffer *fatal = &loader->report->fatal;
    fatal->count = 0;
    loader->report->unreadable = true;
    if (!buffer_printf(fatal, "Fatal error, can't open config file '%s': %s", path, reason))
        fatal->count = 0;
    return err;
}

static const char *reason_of(enum err err, int number)
{
    if (err == ERR_SYSTEM)
        return strerror(number);
    return err == ERR_LIMIT ? "it is too large" : "out of memory";
}

static bool write_block(struct buffer *fatal, const struct line *line, const char *reason)
{
    if (!buffer_append_text(fatal, "\n*** FATAL CONFIG FILE ERROR (Snug " SNUG_VERSION ") ***\n"))
        return false;
    if (line != NULL) {
        struct bytes shown = line->text;
        if (shown.count > CONF_LINE_MAX)
            shown.count = CONF_LINE_MAX;
        if (!buffer_printf(fatal, "Reading the configuration file, at line %zu\n>>> '",
                           line->number) ||
            !buffer_append(fatal, shown) || !buffer_append_text(fatal, "'\n"))
            return false;
    }
    return buffer_printf(fatal, "%s\n", reason);
}

/* The first error is the one that is told: an include's file, not the line that named it. */
static enum err fail_line(struct loader *loader, enum err err, const struct line *line,
                          const char *reason)
{
    struct buffer *fatal = &loader->report->fatal;
    fatal->count = 0;
    loader->report->unreadable = false;
    if (!write_block(fatal, line, reason))
        fatal->count = 0;
    return err;
}

static enum err parse_text(struct loader *loader, struct bytes text);

static enum err parse_path(struct loader *loader, const char *path)
{
    struct buffer text = { 0 };
    enum err err = conf_read_path(loader->source->seam, path, &text);
    if (err != ERR_NONE)
        err = fail_file(loader, err, path, reason_of(err, errno));
    else
        err = parse_text(loader, buffer_view(&text));
    buffer_release(&text);
    return err;
}

static enum err include_one(void *argument, const char *path)
{
    struct loader *loader = argument;
    if (loader->depth == CONF_INCLUDE_MAX || loader->files == CONF_INCLUDES_MAX)
        return fail_file(loader, ERR_LIMIT, path, "too many included files");
    loader->depth++;
    loader->files++;
    enum err err = parse_path(loader, path);
    loader->depth--;
    return err;
}

/* A pattern that matches nothing includes nothing: a conf.d may be empty. */
static enum err include(struct loader *loader, const char *path)
{
    const struct conf_host *host = loader->source->host;
    if (strpbrk(path, "*?[") == NULL)
        return include_one(loader, path);
    if (host == NULL)
        return ERR_NONE;
    enum err err = host->expand(host->context, path, include_one, loader);
    if (err != ERR_NONE && loader->report->fatal.count == 0)
        err = fail_file(loader, err, path, reason_of(err, errno));
    return err;
}

static enum err include_line(struct loader *loader, struct line *line)
{
    struct bytes path = line->words.items[1];
    struct config_text name = { NULL, 0 };
    if (path.count == 0 || memchr(path.at, '\0', path.count) != NULL)
        return fail_line(loader, ERR_SYNTAX, line, "Invalid file name");
    enum err err = config_text_set(&name, path);
    if (err == ERR_NONE)
        err = include(loader, name.at);
    else
        err = fail_line(loader, err, line, "out of memory");
    config_text_release(&name);
    return err;
}

static enum err rename_line(struct loader *loader, struct line *line)
{
    const struct conf_source *source = loader->source;
    struct bytes from = line->words.items[1], to = line->words.items[2];
    const char *refusal = NULL;
    if (source->refuse_rename != NULL)
        refusal = source->refuse_rename(source->context, &loader->config->renames, from, to);
    if (refusal != NULL)
        return fail_line(loader, ERR_SYNTAX, line, refusal);
    enum err err = config_rename_add(loader->config, from, to);
    if (err == ERR_NONE)
        return err;
    return fail_line(loader, err, line,
                     err == ERR_LIMIT ? "Too many renamed commands" : "out of memory");
}

static enum err user_line(struct loader *loader, struct line *line)
{
    const struct conf_source *source = loader->source;
    if (source->declare_user == NULL)
        return fail_line(loader, ERR_SYNTAX, line, "there are no users here");
    enum err err = source->declare_user(source->context, line->words.items + 1,
                                        line->words.count - 1, &line->reason);
    return err == ERR_NONE ? err : fail_line(loader, err, line, line->reason.text);
}

/* Names that no longer mean anything and are passed over with one argument, as Redis does. */
static bool is_obsolete(struct bytes name)
{
    return bytes_is(name, "list-max-ziplist-entries") || bytes_is(name, "list-max-ziplist-value") ||
           bytes_is(name, "lua-replicate-commands");
}

static enum err run_directive(struct loader *loader, struct line *line)
{
    struct bytes name = line->words.items[0];
    size_t count = line->words.count;
    const char *reason = "Bad directive or wrong number of arguments";
    if (bytes_is(name, "include") && count == 2)
        return include_line(loader, line);
    if (bytes_is(name, "rename-command") && count == 3)
        return rename_line(loader, line);
    if (is_obsolete(name) && count == 2)
        return ERR_NONE;
    if (bytes_is(name, "user") && count >= 2)
        return user_line(loader, line);
    if (bytes_is(name, "loadmodule") && count >= 2)
        reason = "modules are not supported";
    else if (name.count > 0 && memchr(name.at, '.', name.count) != NULL)
        reason = count < 2 ? "Module config specified without value" : "modules are not supported";
    else if (bytes_is(name, "sentinel"))
        reason = "sentinel directive while not in sentinel mode";
    return fail_line(loader, ERR_SYNTAX, line, reason);
}

/* Enters the directory that `dir` names, so that later paths are relative to it. */
static enum err enter_directory(struct loader *loader, struct option_reason *reason)
{
    const struct conf_host *host = loader->source->host;
    if (host == NULL)
        return ERR_NONE;
    enum err err = host->enter(host->context, loader->config->dir.at, &loader->config->dir);
    if (err == ERR_NONE)
        return err;
    return value_refuse(reason, err, "%s", err == ERR_SYSTEM ? strerror(errno) : "out of memory");
}

static enum err set_arguments(struct loader *loader, const struct option *option, struct line *line,
                              const struct bytes *arguments, size_t count)
{
    bool *given = &loader->report->given[option_index(option)];
    struct config *config = loader->config;
    enum err err;
    if (option->type == OPTION_SAVE && *given)
        err = value_save_add(&config->save, arguments, count, &line->reason);
    else
        err = option_set(option, config, arguments, count, &line->reason);
    if (err == ERR_NONE && bytes_is(bytes_of_text(option->name), "dir"))
        err = enter_directory(loader, &line->reason);
    if (err == ERR_NONE)
        *given = true;
    return err;
}

/* A list may stand in one argument: --bind "127.0.0.1 ::1". */
static enum err set_option(struct loader *loader, const struct option *option, struct line *line)
{
    const struct bytes *arguments = line->words.items + 1;
    size_t count = line->words.count - 1;
    if (!option_is_list(option) || count != 1 || arguments[0].count == 0)
        return set_arguments(loader, option, line, arguments, count);
    struct conf_words words = { 0 };
    enum err err = conf_words_cut(&words, arguments[0]);
    if (err == ERR_NONE)
        err = set_arguments(loader, option, line, words.items, words.count);
    else
        err = value_refuse(&line->reason, err, "Unbalanced quotes in configuration line");
    conf_words_release(&words);
    return err;
}

static enum err cut_line(struct line *line)
{
    if (line->text.count > CONF_LINE_MAX)
        return value_refuse(&line->reason, ERR_LIMIT, "Configuration line is too long");
    if (memchr(line->text.at, '\0', line->text.count) != NULL)
        return value_refuse(&line->reason, ERR_SYNTAX, "Zero byte in configuration line");
    enum err err = conf_words_cut(&line->words, line->text);
    if (err == ERR_SYNTAX)
        return value_refuse(&line->reason, err, "Unbalanced quotes in configuration line");
    if (err != ERR_NONE)
        return value_refuse(&line->reason, err, "%s",
                            err == ERR_LIMIT ? "Too many arguments in configuration line"
                                             : "out of memory");
    return err;
}

static enum err run_line(struct loader *loader, struct line *line)
{
    enum err err = cut_line(line);
    if (err != ERR_NONE)
        return fail_line(loader, err, line, line->reason.text);
    if (line->words.count == 0)
        return ERR_NONE;
    const struct option *option = option_find(line->words.items[0]);
    if (option == NULL)
        return run_directive(loader, line);
    err = set_option(loader, option, line);
    return err == ERR_NONE ? err : fail_line(loader, err, line, line->reason.text);
}

static struct bytes trim(struct bytes text)
{
    while (text.count > 0 && strchr(" \t\r\n", text.at[0]) != NULL && text.at[0] != '\0') {
        text.at++;
        text.count--;
    }
    while (text.count > 0 && text.at[text.count - 1] != '\0' &&
           strchr(" \t\r\n", text.at[text.count - 1]) != NULL)
        text.count--;
    return text;
}

static enum err parse_text(struct loader *loader, struct bytes text)
{
    struct line line = { .number = 0 };
    enum err err = ERR_NONE;
    while (err == ERR_NONE && text.count > 0) {
        const uint8_t *end = memchr(text.at, '\n', text.count);
        size_t count = end == NULL ? text.count : (size_t)(end - text.at);
        line.text = trim(bytes_of(text.at, count));
        line.number++;
        if (line.text.count > 0 && line.text.at[0] != '#')
            err = run_line(loader, &line);
        count += end == NULL ? 0 : 1;
        text = bytes_of(text.at + count, text.count - count);
    }
    conf_words_release(&line.words);
    return err;
}

/* File, standard input and command line as one text, so that line numbers run on. */
static enum err gather(struct loader *loader, struct buffer *text)
{
    const struct conf_source *source = loader->source;
    enum err err = ERR_NONE;
    if (source->path != NULL) {
        err = conf_read_path(source->seam, source->path, text);
        if (err != ERR_NONE)
            return fail_file(loader, err, source->path, reason_of(err, errno));
    }
    if (source->standard_input) {
        err = conf_read_file(source->seam, 0, text);
        if (err != ERR_NONE)
            return fail_file(loader, err, "-", reason_of(err, errno));
    }
    if (source->options.count > 0 &&
        (!buffer_append_byte(text, '\n') || !buffer_append(text, source->options)))
        return fail_file(loader, ERR_MEMORY, "-", "out of memory");
    return ERR_NONE;
}

/* Better at start than when the first line cannot be written. */
static enum err try_logfile(struct loader *loader)
{
    const struct seam *seam = loader->source->seam;
    const struct config_text *path = &loader->config->logfile;
    char reason[256];
    if (path->count == 0)
        return ERR_NONE;
    int file = seam->open(seam->context, path->at, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) {
        (void)snprintf(reason, sizeof(reason), "Can't open the log file: %s", strerror(errno));
        return fail_line(loader, ERR_SYSTEM, NULL, reason);
    }
    (void)seam->close(seam->context, file);
    return ERR_NONE;
}

static bool is_given(const struct loader *loader, const char *name)
{
    return loader->report->given[option_index(option_find(bytes_of_text(name)))];
}

/* What no single line can tell. */
static enum err check_whole(struct loader *loader)
{
    struct option_reason reason;
    if (!is_given(loader, "dir") && enter_directory(loader, &reason) != ERR_NONE)
        return fail_line(loader, ERR_SYSTEM, NULL, reason.text);
    const struct config_text *cluster =
        &loader->config->texts[option_index(option_find(BYTES("cluster-enabled")))];
    const struct config_text *primary =
        &loader->config->texts[option_index(option_find(BYTES("replicaof")))];
    if (cluster->count > 0 && bytes_is(config_text_view(cluster), "yes") && primary->count > 0)
        return fail_line(loader, ERR_SYNTAX, NULL,
                         "replicaof directive not allowed in cluster mode");
    return try_logfile(loader);
}

static bool is_idle(const struct option *option, const struct config *config,
                    const struct config *defaults)
{
    struct buffer text = { 0 };
    if (option->idle == NULL)
        return option_equal(option, config, defaults);
    bool idle = option_get(option, config, &text) &&
                bytes_equal(buffer_view(&text), bytes_of_text(option->idle));
    buffer_release(&text);
    return idle;
}

static enum err warn(struct loader *loader, const struct config *defaults)
{
    struct buffer *text = &loader->report->warnings;
    for (size_t i = 0; i < options_count(); i++) {
        const struct option *option = options_at(i);
        if (!loader->report->given[i] || (option->flags & OPTION_TAKEN) == 0 ||
            is_idle(option, loader->config, defaults))
            continue;
        if (!buffer_printf(text,
                           "Option '%s' is set but has no effect: this version does not use it.\n",
                           option->name))
            return fail_line(loader, ERR_MEMORY, NULL, "out of memory");
    }
    return ERR_NONE;
}

static enum err warn_all(struct loader *loader)
{
    struct config *defaults = memory_take(sizeof(*defaults));
    enum err err = defaults == NULL ? ERR_MEMORY : config_init(defaults);
    if (err == ERR_NONE) {
        err = warn(loader, defaults);
        config_release(defaults);
    } else {
        err = fail_line(loader, err, NULL, "out of memory");
    }
    memory_give(defaults);
    return err;
}

enum err conf_load(const struct conf_source *source, struct config *config,
                   struct conf_report *report)
{
    struct loader loader = { .source = source, .config = config, .report = report };
    struct buffer text = { 0 };
    memset(report, 0, sizeof(*report));
    enum err err = gather(&loader, &text);
    if (err == ERR_NONE && source->path != NULL &&
        config_text_set(&config->file, bytes_of_text(source->path)) != ERR_NONE)
        err = fail_file(&loader, ERR_MEMORY, source->path, "out of memory");
    if (err == ERR_NONE)
        err = parse_text(&loader, buffer_view(&text));
    buffer_release(&text);
    if (err == ERR_NONE)
        err = check_whole(&loader);
    if (err == ERR_NONE)
        err = warn_all(&loader);
    return err;
}

void conf_report_release(struct conf_report *report)
{
    buffer_release(&report->fatal);
    buffer_release(&report->warnings);
}
