/* Configuration files: the input up to a byte 0xfe is the file, what follows every other file.
 * What can be read can be written anew, and is read back as the same. */
#include "conf/file.h"
#include "conf/rewrite.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count);

/* Two files that can be opened again and again: number 3 is the first, 4 every other. */
struct world {
    struct bytes file, other;
    size_t at[2];
    bool other_opened;
};

static int open_file(void *context, const char *path, int flags, unsigned mode)
{
    struct world *world = context;
    (void)flags;
    (void)mode;
    if (path[0] == '/') {
        world->at[0] = 0;
        return 3;
    }
    if (path[0] != 'i') {
        errno = ENOENT;
        return -1;
    }
    world->at[1] = 0;
    world->other_opened = true;
    return 4;
}

static ssize_t read_file(void *context, int number, void *to, size_t room)
{
    struct world *world = context;
    struct bytes from = number == 3 ? world->file : world->other;
    size_t *place = &world->at[number - 3];
    size_t left = from.count - *place;
    size_t taken = left < room ? left : room;
    if (taken > 0)
        memcpy(to, from.at + *place, taken);
    *place += taken;
    return (ssize_t)taken;
}

static int close_file(void *context, int number)
{
    (void)context;
    (void)number;
    return 0;
}

static enum err load(struct world *world, struct config *config)
{
    struct seam seam = {
        .context = world, .open = open_file, .read = read_file, .close = close_file
    };
    struct conf_source source = { .seam = &seam, .path = "/" };
    struct conf_report report;
    ENSURE(config_init(config) == ERR_NONE);
    enum err err = conf_load(&source, config, &report);
    ENSURE((err == ERR_NONE) == (report.fatal.count == 0));
    conf_report_release(&report);
    return err;
}

/* An include adds to what the file itself says by now, so that only files without one are alike. */
static void check_rewrite(struct world *world, const struct config *config)
{
    struct buffer text = { 0 };
    struct world again = { .other = world->other };
    struct config other;
    ENSURE(conf_rewrite_text(world->file, config, NULL, &text) == ERR_NONE);
    again.file = buffer_view(&text);
    ENSURE(load(&again, &other) == ERR_NONE);
    for (size_t i = 0; !again.other_opened && i < options_count(); i++)
        ENSURE(option_equal(options_at(i), config, &other));
    config_release(&other);
    buffer_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t count)
{
    const uint8_t *mark = count == 0 ? NULL : memchr(at, 0xfe, count);
    struct world world = { .file = bytes_of(at, count), .other = BYTES("") };
    struct config config;
    if (mark != NULL) {
        world.file.count = (size_t)(mark - at);
        world.other = bytes_of(mark + 1, count - world.file.count - 1);
    }
    if (load(&world, &config) == ERR_NONE)
        check_rewrite(&world, &config);
    config_release(&config);
    return 0;
}
