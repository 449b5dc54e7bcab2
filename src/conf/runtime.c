/* CONFIG GET, SET and REWRITE. */
#include "conf/runtime.h"

#include "base/glob.h"
#include "base/memory.h"
#include "conf/reader.h"
#include "conf/rewrite.h"
#include "conf/values.h"

#include <errno.h>

struct conf_runtime {
    const struct seam *seam;
    const struct conf_host *host;
    struct config *config;
    struct conf_hook hooks[CONF_HOOKS_MAX];
    size_t hooks_count;
    struct conf_matches matches;
    bool (*write_users)(void *context, struct buffer *lines);
    void *users_context;
};

static bool apply_dir(void *context, const struct config *before, struct config *after,
                      struct option_reason *reason)
{
    const struct conf_host *host = context;
    (void)before;
    enum err err = host->enter(host->context, after->dir.at, &after->dir);
    if (err != ERR_NONE)
        (void)value_refuse(reason, err, "%s",
                           err == ERR_SYSTEM ? strerror(errno) : "out of memory");
    return err == ERR_NONE;
}

struct conf_runtime *conf_runtime_new(const struct seam *seam, const struct conf_host *host,
                                      struct config *config)
{
    static const char *const dir[] = { "dir", NULL };
    struct conf_runtime *runtime = memory_take_zeroed(sizeof(*runtime));
    if (runtime == NULL)
        return NULL;
    runtime->seam = seam;
    runtime->host = host;
    runtime->config = config;
    if (host != NULL) {
        /* The host is only read; hooks take what they are given as they are given it. */
        union {
            const struct conf_host *host;
            void *context;
        } given = { .host = host };
        const struct conf_hook hook = { dir, apply_dir, given.context };
        conf_runtime_hook(runtime, &hook);
    }
    return runtime;
}

void conf_runtime_drop(struct conf_runtime *runtime)
{
    memory_give(runtime);
}

void conf_runtime_hook(struct conf_runtime *runtime, const struct conf_hook *hook)
{
    ENSURE(runtime->hooks_count < CONF_HOOKS_MAX);
    for (size_t i = 0; hook->options[i] != NULL; i++)
        ENSURE(option_find(bytes_of_text(hook->options[i])) != NULL);
    runtime->hooks[runtime->hooks_count++] = *hook;
}

bool conf_is_sensitive(struct bytes name)
{
    const struct option *option = option_find(name);
    return option != NULL && (option->flags & OPTION_SENSITIVE) != 0;
}

/* Adds a name that none of the first `known` matches has. */
static void add_match(struct conf_matches *matches, size_t known, struct bytes name,
                      const struct option *option)
{
    for (size_t i = 0; i < known; i++)
        if (bytes_equal_nocase(matches->items[i].name, name))
            return;
    if (matches->count < sizeof(matches->items) / sizeof(matches->items[0]))
        matches->items[matches->count++] = (struct conf_match){ name, option };
}

/* Names of rows differ, so that only what earlier patterns brought has to be looked at. */
static void match_glob(struct conf_matches *matches, struct bytes pattern, uint64_t *work)
{
    size_t known = matches->count;
    for (size_t i = 0; i < options_count(); i++) {
        const struct option *option = options_at(i);
        if ((option->flags & OPTION_HIDDEN) != 0)
            continue;
        if (glob_match_within(pattern, bytes_of_text(option->name), true, work))
            add_match(matches, known, bytes_of_text(option->name), option);
        if (option->alias != NULL &&
            glob_match_within(pattern, bytes_of_text(option->alias), true, work))
            add_match(matches, known, bytes_of_text(option->alias), option);
    }
}

static bool has_glob(struct bytes name)
{
    for (size_t i = 0; i < name.count; i++)
        if (name.at[i] == '*' || name.at[i] == '?' || name.at[i] == '[')
            return true;
    return false;
}

const struct conf_matches *conf_runtime_match(struct conf_runtime *runtime,
                                              const struct bytes *patterns, size_t count)
{
    struct conf_matches *matches = &runtime->matches;
    uint64_t work = GLOB_NAMES_WORK;
    matches->count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct option *option = has_glob(patterns[i]) ? NULL : option_find(patterns[i]);
        if (option != NULL)
            add_match(matches, matches->count, patterns[i], option);
        else if (has_glob(patterns[i]))
            match_glob(matches, patterns[i], &work);
    }
    return matches;
}

/* A name as the client sent it, cut short, and without line ends: it goes into an error line. */
static bool append_name(struct buffer *error, struct bytes name)
{
    enum { NAME_SHOWN_MAX = 128 };
    for (size_t i = 0; i < name.count && i < NAME_SHOWN_MAX; i++) {
        uint8_t byte = name.at[i] == '\r' || name.at[i] == '\n' ? ' ' : name.at[i];
        if (!buffer_append_byte(error, byte))
            return false;
    }
    return true;
}

static enum err fail(struct buffer *error, enum err err, const char *before, struct bytes name,
                     const char *after, const char *reason)
{
    error->count = 0;
    if (!buffer_append_text(error, before) || !append_name(error, name) ||
        !buffer_append_text(error, after) || !buffer_append_text(error, reason))
        error->count = 0;
    return err;
}

static enum err fail_set(struct buffer *error, enum err err, struct bytes name, const char *reason)
{
    return fail(error, err, "ERR CONFIG SET failed (possibly related to argument '", name, "') - ",
                reason);
}

static bool may_change_protected(const struct config *config, bool local)
{
    return config->enable_protected_configs == CONFIG_GUARD_YES ||
           (config->enable_protected_configs == CONFIG_GUARD_LOCAL && local);
}

/* Why a single name cannot be set, or NULL. */
static const char *refuse_name(const struct conf_runtime *runtime, const struct option *option,
                               bool local, bool seen)
{
    if ((option->flags & OPTION_IMMUTABLE) != 0)
        return "can't set immutable config";
    if ((option->flags & OPTION_PROTECTED) != 0 && !may_change_protected(runtime->config, local))
        return "can't set protected config";
    return seen ? "duplicate parameter" : NULL;
}

static enum err check_names(const struct conf_runtime *runtime, const struct bytes *pairs,
                            size_t count, bool local, struct buffer *error)
{
    bool seen[CONFIG_OPTIONS_MAX] = { false };
    for (size_t i = 0; i < count; i += 2) {
        const struct option *option = option_find(pairs[i]);
        if (option == NULL)
            return fail(error, ERR_MISSING,
                        "ERR Unknown option or number of arguments for CONFIG SET - '", pairs[i],
                        "'", "");
        bool *mark = &seen[option_index(option)];
        const char *refusal = refuse_name(runtime, option, local, *mark);
        if (refusal != NULL)
            return fail_set(error, ERR_TYPE, pairs[i], refusal);
        *mark = true;
    }
    return ERR_NONE;
}

/* The name of the row that was meant, in the row's spelling. */
static struct bytes spelling(const struct option *option, struct bytes name)
{
    bool is_alias = option->alias != NULL && bytes_is(name, option->alias);
    return bytes_of_text(is_alias ? option->alias : option->name);
}

static enum err set_values(struct config *next, const struct bytes *pairs, size_t count,
                           struct buffer *error)
{
    struct option_reason reason;
    for (size_t i = 0; i < count; i += 2) {
        const struct option *option = option_find(pairs[i]);
        enum err err = option_set_text(option, next, pairs[i + 1], &reason);
        if (err != ERR_NONE)
            return fail_set(error, err, spelling(option, pairs[i]), reason.text);
    }
    return ERR_NONE;
}

/* The first option of the hook that the command changed, or NULL. */
static const char *changed_option(const struct conf_hook *hook, const bool *changed)
{
    for (size_t i = 0; hook->options[i] != NULL; i++)
        if (changed[option_index(option_find(bytes_of_text(hook->options[i])))])
            return hook->options[i];
    return NULL;
}

static void undo_hooks(struct conf_runtime *runtime, const bool *changed, size_t done,
                       const struct config *next)
{
    struct option_reason reason;
    while (done-- > 0) {
        const struct conf_hook *hook = &runtime->hooks[done];
        if (changed_option(hook, changed) != NULL)
            (void)hook->apply(hook->context, next, runtime->config, &reason);
    }
}

static enum err apply_hooks(struct conf_runtime *runtime, const bool *changed, struct config *next,
                            struct buffer *error)
{
    for (size_t i = 0; i < runtime->hooks_count; i++) {
        const struct conf_hook *hook = &runtime->hooks[i];
        const char *name = changed_option(hook, changed);
        struct option_reason reason = { "it could not be put into effect" };
        if (name == NULL || hook->apply(hook->context, runtime->config, next, &reason))
            continue;
        undo_hooks(runtime, changed, i, next);
        return fail_set(error, ERR_SYSTEM, bytes_of_text(name), reason.text);
    }
    return ERR_NONE;
}

/* Sets and applies in `next`; what it holds when this fails is of no more use. */
static enum err change(struct conf_runtime *runtime, struct config *next, const struct bytes *pairs,
                       size_t count, struct buffer *error)
{
    bool changed[CONFIG_OPTIONS_MAX] = { false };
    enum err err = set_values(next, pairs, count, error);
    if (err != ERR_NONE)
        return err;
    for (size_t i = 0; i < count; i += 2) {
        const struct option *option = option_find(pairs[i]);
        changed[option_index(option)] =
            (option->flags & OPTION_REREAD) != 0 || !option_equal(option, runtime->config, next);
    }
    return apply_hooks(runtime, changed, next, error);
}

enum err conf_runtime_set(struct conf_runtime *runtime, const struct bytes *pairs, size_t count,
                          bool local, struct buffer *error)
{
    if (count == 0 || count % 2 != 0)
        return fail(error, ERR_SYNTAX, "ERR syntax error", BYTES(""), "", "");
    enum err err = check_names(runtime, pairs, count, local, error);
    if (err != ERR_NONE)
        return err;
    struct config *next = memory_take(sizeof(*next));
    if (next == NULL || config_copy(next, runtime->config) != ERR_NONE) {
        memory_give(next);
        return fail_set(error, ERR_MEMORY, pairs[0], "out of memory");
    }
    err = change(runtime, next, pairs, count, error);
    if (err == ERR_NONE) {
        struct config old = *runtime->config;
        *runtime->config = *next;
        *next = old;
    }
    config_release(next);
    memory_give(next);
    return err;
}

static enum err fail_rewrite(struct buffer *error, enum err err)
{
    const char *reason = err == ERR_SYSTEM  ? strerror(errno)
                         : err == ERR_LIMIT ? "it is too large"
                                            : "out of memory";
    return fail(error, err, "ERR Rewriting config file: ", BYTES(""), "", reason);
}

void conf_runtime_users(struct conf_runtime *runtime,
                        bool (*write)(void *context, struct buffer *lines), void *context)
{
    runtime->write_users = write;
    runtime->users_context = context;
}

static enum err rewrite_text(const struct conf_runtime *runtime, struct bytes old,
                             struct buffer *text)
{
    struct buffer lines = { 0 };
    enum err err = ERR_NONE;
    if (runtime->write_users == NULL)
        return conf_rewrite_text(old, runtime->config, NULL, text);
    if (!runtime->write_users(runtime->users_context, &lines))
        err = ERR_MEMORY;
    struct bytes users = buffer_view(&lines);
    if (err == ERR_NONE)
        err = conf_rewrite_text(old, runtime->config, &users, text);
    buffer_release(&lines);
    return err;
}

enum err conf_runtime_rewrite(struct conf_runtime *runtime, struct buffer *error)
{
    const char *path = runtime->config->file.at;
    struct buffer old = { 0 }, text = { 0 };
    if (runtime->config->file.count == 0)
        return fail(error, ERR_MISSING, "ERR The server is running without a config file",
                    BYTES(""), "", "");
    enum err err = conf_read_path(runtime->seam, path, &old);
    if (err == ERR_SYSTEM && errno == ENOENT)
        err = ERR_NONE;
    if (err == ERR_NONE)
        err = rewrite_text(runtime, buffer_view(&old), &text);
    int mode = -1;
    if (err == ERR_NONE && runtime->host != NULL)
        mode = runtime->host->mode(runtime->host->context, path);
    if (err == ERR_NONE)
        err = conf_replace_file(runtime->seam, path, mode < 0 ? 0644 : (unsigned)mode,
                                buffer_view(&text));
    if (err != ERR_NONE)
        err = fail_rewrite(error, err);
    buffer_release(&old);
    buffer_release(&text);
    return err;
}
