/* The shipped snug.conf: whole, true and quiet. Tests run in the directory that holds it. */
#include "conf/file.h"
#include "conf/words.h"
#include "conf_world.h"
#include "harness.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static void read_shipped(struct buffer *text)
{
    FILE *file = fopen("snug.conf", "r");
    CHECKF(file != NULL, "snug.conf is not in the working directory");
    for (int byte = getc(file); byte != EOF; byte = getc(file))
        CHECK(buffer_append_byte(text, (uint8_t)byte));
    (void)fclose(file);
}

TEST(conf_shipped_file_loads_without_a_warning)
{
    struct world *world = calloc(1, sizeof(*world));
    struct config *config = malloc(sizeof(*config));
    struct conf_report *report = malloc(sizeof(*report));
    struct buffer text = { 0 };
    CHECK(world != NULL && config != NULL && report != NULL);
    CHECK_EQ(config_init(config), ERR_NONE);
    world_init(world);
    read_shipped(&text);
    world_put(world, "/f", buffer_view(&text));
    const struct conf_source source = { .seam = &world->seam, .host = &world->host, .path = "/f" };
    enum err err = conf_load(&source, config, report);
    CHECKF(err == ERR_NONE, "%.*s", (int)report->fatal.count, (const char *)report->fatal.at);
    CHECK_TEXT(buffer_view(&report->warnings), "");
    CHECK(config->activedefrag);
    conf_report_release(report);
    config_release(config);
    buffer_release(&text);
    world_release(world);
    free(report);
    free(config);
    free(world);
}

/* Sets a line in a fresh configuration and sees that nothing changes by it. */
static void check_default(const struct option *option, const struct conf_words *words)
{
    struct option_reason reason = { "" };
    struct config *config = malloc(sizeof(*config)), *defaults = malloc(sizeof(*defaults));
    CHECK(config != NULL && config_init(config) == ERR_NONE);
    CHECK(defaults != NULL && config_init(defaults) == ERR_NONE);
    enum err err = option_set(option, config, words->items + 1, words->count - 1, &reason);
    CHECKF(err == ERR_NONE, "%s: %s", option->name, reason.text);
    CHECKF(option_equal(option, config, defaults), "the file shows another default of %s",
           option->name);
    config_release(config);
    config_release(defaults);
    free(config);
    free(defaults);
}

/* A line "#name value" shows a default; every option that is used is either shown or set. */
TEST(conf_shipped_file_shows_every_option_and_true_defaults)
{
    struct buffer text = { 0 };
    struct conf_words words = { 0 };
    bool shown[CONFIG_OPTIONS_MAX] = { false };
    read_shipped(&text);
    for (size_t at = 0; at < text.count;) {
        const uint8_t *line = text.at + at, *end = memchr(line, '\n', text.count - at);
        CHECK(end != NULL);
        at += (size_t)(end - line) + 1;
        bool commented = line < end && line[0] == '#';
        if (commented)
            line++;
        if (line == end || !islower(line[0]))
            continue;
        CHECK_EQ(conf_words_cut(&words, bytes_of(line, (size_t)(end - line))), ERR_NONE);
        const struct option *option = option_find(words.items[0]);
        CHECKF(option != NULL, "%.*s", (int)(end - line), (const char *)line);
        shown[option_index(option)] = true;
        if (commented)
            check_default(option, &words);
    }
    for (size_t i = 0; i < options_count(); i++) {
        const struct option *option = options_at(i);
        bool used = (option->flags & OPTION_TAKEN) == 0;
        CHECKF(used == shown[i], "%s is %s", option->name,
               used ? "used but not in snug.conf" : "in snug.conf but not used");
    }
    conf_words_release(&words);
    buffer_release(&text);
}
