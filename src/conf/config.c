/* The struct of all values: defaults, copies, release. */
#include "conf/config.h"

#include "base/memory.h"
#include "conf/values.h"
#include "conf/words.h"

static void *field_of(const struct option *option, struct config *config)
{
    return (char *)config + option->offset;
}

static enum err set_preset(const struct option *option, struct config *config)
{
    struct conf_words words = { 0 };
    struct option_reason reason;
    const struct bytes none = BYTES("");
    enum err err = conf_words_cut(&words, bytes_of_text(option->preset));
    if (err == ERR_NONE && words.count == 0)
        err = option_set(option, config, &none, 1, &reason);
    else if (err == ERR_NONE)
        err = option_set(option, config, words.items, words.count, &reason);
    conf_words_release(&words);
    /* A row whose own default is refused would be a bug of the table. */
    ENSURE(err == ERR_NONE || err == ERR_MEMORY);
    return err;
}

enum err config_init(struct config *config)
{
    memset(config, 0, sizeof(*config));
    enum err err = config_text_set(&config->file, BYTES(""));
    for (size_t i = 0; err == ERR_NONE && i < options_count(); i++) {
        const struct option *option = options_at(i);
        if (option->offset != 0)
            err = set_preset(option, config);
    }
    if (err != ERR_NONE)
        config_release(config);
    return err;
}

static void release_renames(struct config_renames *renames)
{
    for (size_t i = 0; i < renames->count; i++) {
        config_text_release(&renames->items[i].from);
        config_text_release(&renames->items[i].to);
    }
    memory_give(renames->items);
    *renames = (struct config_renames){ NULL, 0 };
}

void config_release(struct config *config)
{
    for (size_t i = 0; i < options_count(); i++) {
        const struct option *option = options_at(i);
        if (option->offset != 0)
            value_release(option, field_of(option, config));
    }
    for (size_t i = 0; i < CONFIG_OPTIONS_MAX; i++)
        config_text_release(&config->texts[i]);
    config_text_release(&config->file);
    release_renames(&config->renames);
}

enum err config_rename_add(struct config *config, struct bytes from, struct bytes to)
{
    struct config_renames *renames = &config->renames;
    struct config_rename added = { { NULL, 0 }, { NULL, 0 } };
    if (renames->count == CONFIG_RENAMES_MAX)
        return ERR_LIMIT;
    struct config_rename *items =
        memory_resize(renames->items, (renames->count + 1) * sizeof(*items));
    if (items == NULL)
        return ERR_MEMORY;
    renames->items = items;
    enum err err = config_text_set(&added.from, from);
    if (err == ERR_NONE)
        err = config_text_set(&added.to, to);
    if (err == ERR_NONE)
        items[renames->count++] = added;
    else
        config_text_release(&added.from);
    return err;
}

/* Takes away what `to` got by plain assignment and does not own. */
static void forget_owned(struct config *to)
{
    for (size_t i = 0; i < options_count(); i++) {
        const struct option *option = options_at(i);
        if (option->offset == 0 || !value_owns(option->type))
            continue;
        memset(field_of(option, to), 0,
               option->type == OPTION_BIND ? sizeof(struct config_bind)
                                           : sizeof(struct config_text));
    }
    memset(to->texts, 0, sizeof(to->texts));
    to->file = (struct config_text){ NULL, 0 };
    to->renames = (struct config_renames){ NULL, 0 };
}

static enum err copy_fields(struct config *to, const struct config *from)
{
    enum err err = ERR_NONE;
    for (size_t i = 0; err == ERR_NONE && i < options_count(); i++) {
        const struct option *option = options_at(i);
        if (option->offset != 0)
            err = value_copy(option, field_of(option, to), (const char *)from + option->offset);
    }
    return err;
}

static enum err copy_texts(struct config *to, const struct config *from)
{
    enum err err = config_text_set(&to->file, config_text_view(&from->file));
    for (size_t i = 0; err == ERR_NONE && i < CONFIG_OPTIONS_MAX; i++)
        if (from->texts[i].at != NULL)
            err = config_text_set(&to->texts[i], config_text_view(&from->texts[i]));
    for (size_t i = 0; err == ERR_NONE && i < from->renames.count; i++)
        err = config_rename_add(to, config_text_view(&from->renames.items[i].from),
                                config_text_view(&from->renames.items[i].to));
    return err;
}

enum err config_copy(struct config *to, const struct config *from)
{
    *to = *from;
    forget_owned(to);
    enum err err = copy_fields(to, from);
    if (err == ERR_NONE)
        err = copy_texts(to, from);
    if (err != ERR_NONE)
        config_release(to);
    return err;
}
