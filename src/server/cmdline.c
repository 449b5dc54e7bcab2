/* Arguments of the process. */
#include "server/cmdline.h"

#include "base/memory.h"
#include "base/number.h"
#include "conf/words.h"
#include "server/demo.h"

#include <inttypes.h>
#include <limits.h>
#include <unistd.h>

#ifndef SNUG_VERSION
#define SNUG_VERSION "0"
#endif

static bool is(const char *argument, const char *word)
{
    return bytes_equal(bytes_of_text(argument), bytes_of_text(word));
}

static bool has_dashes(const char *argument)
{
    return argument[0] == '-' && argument[1] == '-';
}

/* What is asked for by the first argument alone. */
static bool read_request(struct cmdline *cmdline, int argc, char *const *argv)
{
    if (is(argv[1], "-v") || is(argv[1], "--version"))
        cmdline->request = CMDLINE_VERSION;
    else if (is(argv[1], "-h") || is(argv[1], "--help"))
        cmdline->request = CMDLINE_HELP;
    else if (is(argv[1], "--check-system"))
        cmdline->request = CMDLINE_CHECK_SYSTEM;
    else if (is(argv[1], "--test-memory"))
        cmdline->request = CMDLINE_TEST_MEMORY;
    else
        return false;
    if (cmdline->request == CMDLINE_TEST_MEMORY && argc == 3 &&
        !number_read_u64(bytes_of_text(argv[2]), &cmdline->megabytes))
        cmdline->megabytes = 0;
    return true;
}

/* Absolute, because the server may change its directory before it writes the file anew. */
static enum err read_path(struct cmdline *cmdline, const char *path)
{
    char directory[PATH_MAX];
    bool good = true;
    if (path[0] == '.' && path[1] == '/')
        path += 2;
    if (path[0] != '/') {
        if (getcwd(directory, sizeof(directory)) == NULL)
            return ERR_SYSTEM;
        good = buffer_append_text(&cmdline->path, directory);
        if (good && !is(directory, "/"))
            good = buffer_append_byte(&cmdline->path, '/');
    }
    good = good && buffer_append_text(&cmdline->path, path) &&
           buffer_append_byte(&cmdline->path, '\0');
    return good ? ERR_NONE : ERR_MEMORY;
}

/* The state between two arguments: whether the last option has got a value, so that an argument
 * with dashes is the next option and not that value (--masterauth --secret). */
struct option_reader {
    struct buffer *options;
    bool has_value;
};

/* An option's name begins a line. It may bring its value along ("--port 6380"); --save without
 * any value means an empty one, since programs that join an empty list produce it. */
static enum err read_name(struct option_reader *reader, const char *argument, const char *next)
{
    struct conf_words words = { 0 };
    struct buffer *options = reader->options;
    bool good = options->count == 0 || buffer_append_byte(options, '\n');
    good = good && buffer_append_text(options, argument + 2) && buffer_append_byte(options, ' ');
    enum err err = good ? conf_words_cut(&words, bytes_of_text(argument)) : ERR_MEMORY;
    reader->has_value = words.count != 1;
    conf_words_release(&words);
    if (err == ERR_MEMORY)
        return err;
    bool ends = next == NULL || has_dashes(next);
    if (!ends || !bytes_is(bytes_of_text(argument), "--save"))
        return ERR_NONE;
    reader->has_value = true;
    return buffer_append_text(options, "\"\"") ? ERR_NONE : ERR_MEMORY;
}

static enum err read_value(struct option_reader *reader, const char *argument)
{
    reader->has_value = true;
    bool good = conf_quote(reader->options, bytes_of_text(argument)) &&
                buffer_append_byte(reader->options, ' ');
    return good ? ERR_NONE : ERR_MEMORY;
}

static enum err read_options(struct cmdline *cmdline, int first, int argc, char *const *argv)
{
    struct option_reader reader = { &cmdline->options, true };
    enum err err = ERR_NONE;
    for (int i = first; err == ERR_NONE && i < argc; i++) {
        if (is(argv[i], "-") && (i == 1 || i == argc - 1))
            cmdline->standard_input = true;
        else if (reader.has_value && has_dashes(argv[i]))
            err = read_name(&reader, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
        else
            err = read_value(&reader, argv[i]);
    }
    return err;
}

/* --demo, perhaps megabytes, and then options as ever. */
static enum err read_demo(struct cmdline *cmdline, int argc, char *const *argv)
{
    bool has_size = argc > 2 && argv[2][0] != '-';
    cmdline->request = CMDLINE_DEMO;
    cmdline->megabytes = DEMO_MEGABYTES;
    if (has_size &&
        (!number_read_u64(bytes_of_text(argv[2]), &cmdline->megabytes) ||
         cmdline->megabytes < DEMO_MEGABYTES_MIN || cmdline->megabytes > DEMO_MEGABYTES_MAX))
        return ERR_RANGE;
    return read_options(cmdline, has_size ? 3 : 2, argc, argv);
}

enum err cmdline_read(struct cmdline *cmdline, int argc, char *const *argv)
{
    memset(cmdline, 0, sizeof(*cmdline));
    if (argc < 2 || read_request(cmdline, argc, argv))
        return ERR_NONE;
    if (is(argv[1], "--demo"))
        return read_demo(cmdline, argc, argv);
    bool has_path = argv[1][0] != '-';
    enum err err = has_path ? read_path(cmdline, argv[1]) : ERR_NONE;
    if (err == ERR_NONE)
        err = read_options(cmdline, has_path ? 2 : 1, argc, argv);
    if (err != ERR_NONE)
        cmdline_release(cmdline);
    return err;
}

void cmdline_release(struct cmdline *cmdline)
{
    buffer_release(&cmdline->path);
    buffer_release(&cmdline->options);
}

/* Tells builds apart that carry the same version: by the compiler and what it was told. */
static uint64_t build_id(void)
{
    static const char text[] = SNUG_VERSION " " __VERSION__
#ifdef __OPTIMIZE__
                                            " optimized"
#endif
#ifdef SNUG_CHECKS
                                            " checks"
#endif
#ifdef SNUG_MOVE_ALL
                                            " move-all"
#endif
        ;
    uint64_t id = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        id = (id ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    return id;
}

bool cmdline_version(struct buffer *text)
{
    return buffer_printf(text, "Snug server v=%s malloc=%s bits=%zu build=%" PRIx64 "\n",
                         SNUG_VERSION, memory_allocator_name(), sizeof(void *) * 8, build_id());
}

bool cmdline_help(struct buffer *text, const char *program)
{
    static const char *const lines[] = {
        "Usage: %s [/path/to/snug.conf] [--option value ...] [-]\n",
        "       %s -                         read the configuration from standard input\n",
        "       %s -v | --version            tell the version\n",
        "       %s -h | --help               tell this\n",
        "       %s --test-memory <megabytes> test the machine's memory\n",
        "       %s --check-system            look for settings that harm\n",
        "       %s --demo [megabytes]        fragment memory, heal it, and show it\n\n",
        "Every option of the configuration file may be given; later ones win.\n\nExamples:\n",
        "       %s\n",
        "       %s /etc/snug/snug.conf --loglevel verbose\n",
        "       %s --port 7777 --bind 127.0.0.1 -::1 --activedefrag no\n",
        "       echo 'client-query-buffer-limit 64mb' | %s -\n",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        const char *place = strstr(lines[i], "%s");
        size_t before = place == NULL ? strlen(lines[i]) : (size_t)(place - lines[i]);
        if (!buffer_append(text, bytes_of(lines[i], before)))
            return false;
        if (place != NULL &&
            (!buffer_append_text(text, program) || !buffer_append_text(text, place + 2)))
            return false;
    }
    return true;
}
