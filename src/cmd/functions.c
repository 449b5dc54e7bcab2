#include "cmd/functions.h"

#include "base/memory.h"
#include "base/number.h"
#include "base/split.h"
#include "cmd/scripting.h"
#include "conf/config.h"

#include <stdarg.h>
#include <stdio.h>

struct functions {
    struct cmd_context *context;
    struct script_engine *engine;
    struct function_set set;
    struct buffer words; /* of the FCALL that runs, as bulk strings */
    uint32_t word_count;
};

struct functions_batch {
    struct functions *functions;
    struct function_set set;
};

enum { LOAD_NS = 500 * 1000 * 1000, SHOWN = 200 };

static const char bad_name[] = "Library names can only contain letters, numbers, or underscores(_) "
                               "and must be at least one character long";

__attribute__((format(printf, 2, 3))) static bool refuse(struct buffer *error, const char *format,
                                                         ...)
{
    char text[SHOWN + sizeof bad_name];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    error->count = 0;
    if (!buffer_append_text(error, text))
        error->count = 0;
    return false;
}

static int shown(struct bytes text)
{
    return (int)(text.count < SHOWN ? text.count : SHOWN);
}

static bool refuse_for_memory(struct buffer *error)
{
    error->count = 0;
    return false;
}

/* --- the whole -------------------------------------------------------------------------------- */

struct functions *functions_new(struct cmd_context *context)
{
    struct functions *functions = memory_take_zeroed(sizeof *functions);
    if (functions != NULL)
        functions->context = context;
    return functions;
}

void functions_drop(struct functions *functions)
{
    if (functions == NULL)
        return;
    functions_clear(functions);
    buffer_release(&functions->words);
    memory_give(functions);
}

const struct function_set *functions_set(const struct functions *functions)
{
    return &functions->set;
}

const struct function *functions_find(const struct functions *functions, struct bytes name)
{
    return function_set_find(&functions->set, name);
}

struct script_engine *functions_engine(const struct functions *functions)
{
    return functions->engine;
}

/* The word as a bulk string, if there is room. */
static bool keep_word(struct buffer *words, struct bytes word)
{
    enum { WORDS_MAX = 64 * 1024 };
    uint8_t head[NUMBER_I64_MAX + 3] = { '$' };
    size_t count = 1 + number_write_u64(head + 1, word.count);
    head[count++] = '\r';
    head[count++] = '\n';
    return word.count < WORDS_MAX && words->count < WORDS_MAX - word.count &&
           buffer_append(words, bytes_of(head, count)) && buffer_append(words, word) &&
           buffer_append(words, BYTES("\r\n"));
}

void functions_set_running(struct functions *functions, const struct bytes *argv, uint32_t argc)
{
    functions->words.count = functions->word_count = 0;
    for (uint32_t i = 0; i < argc; i++) {
        size_t before = functions->words.count;
        if (!keep_word(&functions->words, argv[i])) {
            functions->words.count = before;
            return;
        }
        functions->word_count++;
    }
}

uint32_t functions_running(const struct functions *functions, struct bytes *words)
{
    *words = buffer_view(&functions->words);
    return functions->word_count;
}

/* The functions go with the interpreter, which is quicker than one by one. */
void functions_clear(struct functions *functions)
{
    function_set_release(&functions->set, NULL);
    script_engine_drop(functions->engine);
    functions->engine = NULL;
}

bool functions_delete(struct functions *functions, struct bytes name)
{
    struct function_library *library = function_set_library(&functions->set, name);
    if (library == NULL)
        return false;
    function_set_take(&functions->set, library);
    function_library_drop(library, functions->engine);
    return true;
}

void functions_tell(struct functions *functions, void (*tell)(void *to, struct bytes source),
                    void *to)
{
    for (uint32_t i = 0; i < functions->set.library_count; i++)
        tell(to, functions->set.libraries[i]->source);
}

void functions_figures(const struct functions *functions, struct functions_figures *figures)
{
    const struct function_set *set = &functions->set;
    *figures = (struct functions_figures){
        .libraries = set->library_count,
        .functions = set->function_count,
        .bytes = function_set_bytes(set),
        .vm_bytes = functions->engine != NULL ? script_memory(functions->engine) : 0,
    };
}

/* --- the first line --------------------------------------------------------------------------- */

static bool is_name(struct bytes name)
{
    for (size_t i = 0; i < name.count; i++) {
        uint8_t byte = name.at[i], lower = byte | 0x20u;
        if (byte != '_' && (byte < '0' || byte > '9') && (lower < 'a' || lower > 'z'))
            return false;
    }
    return name.count > 0;
}

struct metadata {
    struct bytes engine, name, code;
};

/* A word behind "#!engine": name=..., once. */
static bool take_word(struct bytes word, struct metadata *metadata, struct buffer *error)
{
    const struct bytes label = BYTES("name=");
    if (word.count < label.count || !bytes_equal_nocase(bytes_of(word.at, label.count), label))
        return refuse(error, "Invalid metadata value given: %.*s", shown(word),
                      (const char *)word.at);
    if (metadata->name.at != NULL)
        return refuse(error, "Invalid metadata value, name argument was given multiple times");
    metadata->name = bytes_of(word.at + label.count, word.count - label.count);
    return true;
}

static bool split_words(struct bytes line, uint8_t *text, struct metadata *metadata,
                        struct buffer *error)
{
    struct splitter in = split_begin(line, text);
    struct bytes word;
    /* All words first: a quote that is missing is told before anything else. */
    enum split_result result = split_next(&in, &word);
    if (result == SPLIT_WORD)
        while ((result = split_next(&in, &word)) == SPLIT_WORD)
            ;
    if (result == SPLIT_UNBALANCED)
        return refuse(error, "Invalid library metadata");
    in = split_begin(line, text);
    if (split_next(&in, &metadata->engine) != SPLIT_WORD)
        return refuse(error, "Invalid library metadata");
    metadata->engine = bytes_of(metadata->engine.at + 2, metadata->engine.count - 2);
    while (split_next(&in, &word) == SPLIT_WORD)
        if (!take_word(word, metadata, error))
            return false;
    return true;
}

/* Views of `text`, which has room for the whole source; the code begins with the end of the line,
 * so that its lines count as in the source. */
static bool read_metadata(struct bytes source, uint8_t *text, struct metadata *metadata,
                          struct buffer *error)
{
    *metadata = (struct metadata){ .name = { NULL, 0 } };
    if (source.count < 2 || memcmp(source.at, "#!", 2) != 0)
        return refuse(error, "Missing library metadata");
    const uint8_t *end = memchr(source.at, '\n', source.count);
    if (end == NULL)
        return refuse(error, "Invalid library metadata");
    size_t count = (size_t)(end - source.at);
    metadata->code = bytes_of(end, source.count - count);
    if (!split_words(bytes_of(source.at, count), text, metadata, error))
        return false;
    if (metadata->name.at == NULL)
        return refuse(error, "Library name was not given");
    if (!is_name(metadata->name))
        return refuse(error, "%s", bad_name);
    if (!bytes_is(metadata->engine, "lua"))
        return refuse(error, "Engine '%.*s' not found", shown(metadata->engine),
                      (const char *)metadata->engine.at);
    return true;
}

/* --- loading ---------------------------------------------------------------------------------- */

static bool make_engine(struct functions *functions)
{
    if (functions->engine == NULL)
        functions->engine = scripting_make_engine(functions->context);
    return functions->engine != NULL;
}

/* What a library does while it is loaded goes here. */
struct loading {
    struct function_library *library;
    struct cmd_context *context;
};

static const char *add_function(void *context, const struct script_function *function)
{
    const struct loading *loading = context;
    if (!is_name(function->name))
        return bad_name;
    if (function_library_has(loading->library, function->name))
        return "Function already exists in the library";
    return function_library_add(loading->library, function) ? NULL : "not enough memory";
}

static void log_line(void *context, enum script_log_level level, struct bytes text)
{
    const struct loading *loading = context;
    char line[1024];
    snprintf(line, sizeof line, "%.*s", (int)(text.count < 1000 ? text.count : 1000),
             (const char *)text.at);
    loading->context->log(loading->context->server, (int)level, line);
}

/* Runs the code: what it registers is the library's. */
static bool run_code(struct functions *functions, struct function_library *library,
                     struct bytes code, bool patient, struct buffer *error)
{
    struct loading loading = { library, functions->context };
    const struct script_library_host host = { .context = &loading,
                                              .add = add_function,
                                              .flag = script_flag_by_name,
                                              .log = log_line,
                                              .limit_ns = patient ? 0 : LOAD_NS };
    if (!script_load_library(functions->engine, code, &host, error))
        return false;
    return library->count > 0 || refuse(error, "No functions registered");
}

/* Puts it in the place of an old one, if there is one, which is dropped. */
static bool put_library(struct functions *functions, struct function_set *set,
                        struct function_library *library, struct function_library *old,
                        struct buffer *error)
{
    if (!function_set_reserve(set, 1, library->count))
        return refuse_for_memory(error);
    if (old != NULL)
        function_set_take(set, old);
    const struct function *clash = function_set_clash(set, library);
    if (clash != NULL) {
        if (old != NULL)
            function_set_put(set, old);
        return refuse(error, "Function %.*s already exists", shown(clash->name),
                      (const char *)clash->name.at);
    }
    function_set_put(set, library);
    function_library_drop(old, functions->engine);
    return true;
}

static bool refuse_twice(struct buffer *error, struct bytes name, bool quoted)
{
    return refuse(error, quoted ? "Library '%.*s' already exists" : "Library %.*s already exists",
                  shown(name), (const char *)name.at);
}

static bool load_known(struct functions *functions, struct function_set *set,
                       const struct metadata *metadata, struct bytes source, unsigned flags,
                       struct function_library **loaded, struct buffer *error)
{
    struct function_library *old = function_set_library(set, metadata->name);
    if (old != NULL && (flags & FUNCTIONS_REPLACE) == 0)
        return refuse_twice(error, metadata->name, true);
    struct function_library *library = function_library_new(metadata->name, source);
    if (library == NULL)
        return refuse_for_memory(error);
    if (!run_code(functions, library, metadata->code, (flags & FUNCTIONS_PATIENT) != 0, error) ||
        !put_library(functions, set, library, old, error)) {
        function_library_drop(library, functions->engine);
        return false;
    }
    *loaded = library;
    return true;
}

static bool load_into(struct functions *functions, struct function_set *set, struct bytes source,
                      unsigned flags, struct function_library **loaded, struct buffer *error)
{
    struct metadata metadata;
    uint8_t *text = memory_take(source.count + 1);
    error->count = 0;
    bool done = text != NULL && read_metadata(source, text, &metadata, error) &&
                (make_engine(functions) || refuse_for_memory(error)) &&
                load_known(functions, set, &metadata, source, flags, loaded, error);
    memory_give(text);
    return done;
}

bool functions_load(struct functions *functions, struct bytes source, unsigned flags,
                    struct bytes *name, struct buffer *error)
{
    struct function_library *library;
    if (!load_into(functions, &functions->set, source, flags, &library, error))
        return false;
    *name = library->name;
    return true;
}

/* --- several at once -------------------------------------------------------------------------- */

struct functions_batch *functions_batch_new(struct functions *functions)
{
    struct functions_batch *batch = memory_take_zeroed(sizeof *batch);
    if (batch != NULL)
        batch->functions = functions;
    return batch;
}

void functions_batch_drop(struct functions_batch *batch)
{
    if (batch == NULL)
        return;
    function_set_release(&batch->set, batch->functions->engine);
    memory_give(batch);
}

bool functions_batch_load(struct functions_batch *batch, struct bytes source, struct buffer *error)
{
    struct function_library *library;
    return load_into(batch->functions, &batch->set, source, FUNCTIONS_PATIENT, &library, error);
}

/* The other libraries of the server, but for those whose names the batch has. */
static const struct function *clash_with_others(const struct functions_batch *batch)
{
    const struct function_set *set = &batch->functions->set;
    for (uint32_t i = 0; i < batch->set.function_count; i++) {
        const struct function *ours = batch->set.functions[i];
        const struct function *theirs = function_set_find(set, ours->name);
        if (theirs != NULL && function_set_library(&batch->set, theirs->library->name) == NULL)
            return ours;
    }
    return NULL;
}

/* What the batch has by the same name goes from the server; nothing can fail any more. */
static void move_libraries(struct functions_batch *batch)
{
    struct function_set *to = &batch->functions->set, *from = &batch->set;
    for (uint32_t i = 0; i < from->library_count; i++) {
        struct function_library *old = function_set_library(to, from->libraries[i]->name);
        if (old == NULL)
            continue;
        function_set_take(to, old);
        function_library_drop(old, batch->functions->engine);
    }
    for (uint32_t i = 0; i < from->library_count; i++)
        function_set_put(to, from->libraries[i]);
    from->library_count = from->function_count = 0;
}

bool functions_batch_join(struct functions_batch *batch, enum functions_policy policy,
                          struct buffer *error)
{
    struct functions *functions = batch->functions;
    struct function_set *set = &functions->set;
    if (policy == FUNCTIONS_FLUSH) {
        struct function_set old = *set;
        *set = batch->set;
        batch->set = old;
        return true;
    }
    for (uint32_t i = 0; policy == FUNCTIONS_APPEND && i < batch->set.library_count; i++)
        if (function_set_library(set, batch->set.libraries[i]->name) != NULL)
            return refuse_twice(error, batch->set.libraries[i]->name, false);
    const struct function *clash = clash_with_others(batch);
    if (clash != NULL)
        return refuse(error, "Function %.*s already exists", shown(clash->name),
                      (const char *)clash->name.at);
    if (!function_set_reserve(set, batch->set.library_count, batch->set.function_count))
        return refuse_for_memory(error);
    move_libraries(batch);
    return true;
}
