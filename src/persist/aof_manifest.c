#include "persist/aof_manifest.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/split.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

void aof_manifest_release(struct aof_manifest *manifest)
{
    memory_give(manifest->files);
    *manifest = (struct aof_manifest){ 0 };
}

const struct aof_file *aof_manifest_nth(const struct aof_manifest *manifest, enum aof_kind kind,
                                        uint32_t nth)
{
    for (uint32_t i = 0; i < manifest->count; i++) {
        if (manifest->files[i].kind == kind && nth-- == 0)
            return &manifest->files[i];
    }
    return NULL;
}

uint32_t aof_manifest_count(const struct aof_manifest *manifest, enum aof_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < manifest->count; i++)
        count += manifest->files[i].kind == kind;
    return count;
}

/* --- changing --------------------------------------------------------------------------------- */

static enum err add(struct aof_manifest *manifest, const struct aof_file *file)
{
    if (manifest->count == AOF_FILES_MAX)
        return ERR_LIMIT;
    if (manifest->count == manifest->capacity) {
        uint32_t capacity = 2 * manifest->capacity + 4;
        void *files = memory_resize(manifest->files, capacity * sizeof *manifest->files);
        if (files == NULL)
            return ERR_MEMORY;
        manifest->files = files;
        manifest->capacity = capacity;
    }
    manifest->files[manifest->count++] = *file;
    if (file->kind == AOF_BASE)
        manifest->base_sequence = file->sequence;
    if (file->kind == AOF_INCREMENT)
        manifest->increment_sequence = file->sequence;
    return ERR_NONE;
}

static enum err add_numbered(struct aof_manifest *manifest, const char *name, enum aof_kind kind,
                             const char *ending)
{
    struct aof_file file = { .kind = kind };
    int64_t last = kind == AOF_BASE ? manifest->base_sequence : manifest->increment_sequence;
    if (!add_i64(last, 1, &file.sequence))
        return ERR_LIMIT;
    int length =
        snprintf(file.name, sizeof file.name, "%s.%" PRId64 "%s", name, file.sequence, ending);
    if (length < 0 || (size_t)length >= sizeof file.name)
        return ERR_LIMIT;
    return add(manifest, &file);
}

enum err aof_manifest_add_base(struct aof_manifest *manifest, const char *name, bool rdb)
{
    uint32_t before = manifest->count;
    enum err err = add_numbered(manifest, name, AOF_BASE, rdb ? ".base.rdb" : ".base.aof");
    for (uint32_t i = 0; i < before && err == ERR_NONE; i++) {
        if (manifest->files[i].kind == AOF_BASE)
            manifest->files[i].kind = AOF_HISTORY;
    }
    return err;
}

enum err aof_manifest_add_increment(struct aof_manifest *manifest, const char *name)
{
    return add_numbered(manifest, name, AOF_INCREMENT, ".incr.aof");
}

enum err aof_manifest_adopt(struct aof_manifest *manifest, const char *name)
{
    struct aof_file file = { .kind = AOF_BASE, .sequence = 1 };
    ENSURE(manifest->count == 0);
    size_t length = strlen(name);
    if (length >= sizeof file.name)
        return ERR_LIMIT;
    memcpy(file.name, name, length);
    return add(manifest, &file);
}

void aof_manifest_retire(struct aof_manifest *manifest)
{
    uint32_t left = aof_manifest_count(manifest, AOF_INCREMENT);
    for (uint32_t i = 0; i < manifest->count; i++) {
        if (manifest->files[i].kind == AOF_INCREMENT && left-- > 1)
            manifest->files[i].kind = AOF_HISTORY;
    }
}

void aof_manifest_forget_history(struct aof_manifest *manifest)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < manifest->count; i++) {
        if (manifest->files[i].kind != AOF_HISTORY)
            manifest->files[kept++] = manifest->files[i];
    }
    manifest->count = kept;
}

enum err aof_manifest_copy(const struct aof_manifest *from, struct aof_manifest *to)
{
    struct aof_manifest copy = *from;
    copy.files = NULL;
    copy.capacity = from->count;
    if (from->count > 0) {
        copy.files = memory_take(from->count * sizeof *from->files);
        if (copy.files == NULL)
            return ERR_MEMORY;
        memcpy(copy.files, from->files, from->count * sizeof *from->files);
    }
    *to = copy;
    return ERR_NONE;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Only the name of a file: what leads elsewhere is refused. */
static bool take_name(struct aof_file *file, struct bytes word, const char **reason)
{
    *reason = "File can't be a path, just a filename";
    if (word.count == 0 || word.count > AOF_NAME_MAX || memchr(word.at, 0, word.count) != NULL ||
        memchr(word.at, '/', word.count) != NULL || memchr(word.at, '\\', word.count) != NULL ||
        bytes_equal(word, BYTES(".")) || bytes_equal(word, BYTES("..")))
        return false;
    memcpy(file->name, word.at, word.count);
    file->name[word.count] = 0;
    return true;
}

static bool take_kind(struct aof_file *file, struct bytes word, const char **reason)
{
    *reason = "Unknown AOF file type";
    if (word.count != 1 || memchr("bhi", word.at[0], 3) == NULL)
        return false;
    file->kind = (enum aof_kind)word.at[0];
    return true;
}

/* A field told twice is refused: one of both would be ignored. */
static bool take_field(struct aof_file *file, struct bytes field, struct bytes word,
                       const char **reason)
{
    static const char *const form = "The AOF manifest file is invalid format";
    *reason = form;
    if (bytes_is(field, "file"))
        return file->name[0] == 0 && take_name(file, word, reason);
    if (bytes_is(field, "type"))
        return (int)file->kind == 0 && take_kind(file, word, reason);
    if (bytes_is(field, "seq"))
        return file->sequence == 0 && number_read_i64(word, &file->sequence) && file->sequence > 0;
    return true;
}

static enum err take_line(struct aof_manifest *manifest, struct bytes line, const char **reason)
{
    uint8_t text[AOF_MANIFEST_LINE_MAX];
    struct bytes words[AOF_MANIFEST_LINE_MAX / 2 + 1];
    struct aof_file file = { 0 };
    uint32_t count = 0;
    static const char *const form = "The AOF manifest file is invalid format";
    *reason = form;
    if (!split_line(line, text, words, &count) || count < 6 || count % 2 != 0)
        return ERR_SYNTAX;
    for (uint32_t i = 0; i < count; i += 2) {
        if (!take_field(&file, words[i], words[i + 1], reason))
            return ERR_SYNTAX;
    }
    *reason = form;
    if (file.name[0] == 0 || file.sequence == 0 || (int)file.kind == 0)
        return ERR_SYNTAX;
    *reason = "Found duplicate base file information";
    if (file.kind == AOF_BASE && manifest->base_sequence > 0)
        return ERR_SYNTAX;
    *reason = "Found a non-monotonic sequence number";
    if (file.kind == AOF_INCREMENT && file.sequence <= manifest->increment_sequence)
        return ERR_SYNTAX;
    *reason = "Too many files";
    return add(manifest, &file);
}

static struct bytes trim(struct bytes line)
{
    while (line.count > 0 && memchr(" \t\r", line.at[0], 3) != NULL)
        line = bytes_of(line.at + 1, line.count - 1);
    while (line.count > 0 && memchr(" \t\r", line.at[line.count - 1], 3) != NULL)
        line.count--;
    return line;
}

static enum err take_text(struct aof_manifest *manifest, struct bytes text,
                          struct aof_manifest_fault *fault)
{
    enum err err = ERR_NONE;
    fault->reason = "Found an empty AOF manifest";
    if (text.count == 0)
        return ERR_SYNTAX;
    for (size_t at = 0; at < text.count && err == ERR_NONE;) {
        const uint8_t *end = memchr(text.at + at, '\n', text.count - at);
        size_t count = end == NULL ? text.count - at : (size_t)(end - (text.at + at));
        struct bytes line = bytes_of(text.at + at, count);
        fault->line++;
        fault->reason = "The AOF manifest file contains too long line";
        if (end == NULL || count >= AOF_MANIFEST_LINE_MAX)
            return ERR_SYNTAX;
        at += count + 1;
        if (count > 0 && line.at[0] == '#')
            continue;
        err = take_line(manifest, trim(line), &fault->reason);
    }
    return err;
}

enum err aof_manifest_parse(struct aof_manifest *manifest, struct bytes text,
                            struct aof_manifest_fault *fault)
{
    *fault = (struct aof_manifest_fault){ 0 };
    ENSURE(manifest->count == 0);
    enum err err = take_text(manifest, text, fault);
    if (err != ERR_NONE)
        aof_manifest_release(manifest);
    else
        fault->reason = NULL;
    return err;
}

/* --- writing ---------------------------------------------------------------------------------- */

static bool is_plain(const char *name)
{
    for (const char *at = name; *at != 0; at++) {
        unsigned char byte = (unsigned char)*at;
        if (!isgraph(byte) || byte == '"' || byte == '\'' || byte == '\\')
            return false;
    }
    return name[0] != '#';
}

static bool put_quoted(struct buffer *text, const char *name)
{
    bool done = buffer_append_byte(text, '"');
    for (const char *at = name; *at != 0; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte == '"' || byte == '\\')
            done = done && buffer_append_byte(text, '\\');
        if (isprint(byte))
            done = done && buffer_append_byte(text, byte);
        else
            done = done && buffer_printf(text, "\\x%02x", byte);
    }
    return done && buffer_append_byte(text, '"');
}

static bool put_file(struct buffer *text, const struct aof_file *file)
{
    bool named = buffer_append_text(text, "file ") &&
                 (is_plain(file->name) ? buffer_append_text(text, file->name)
                                       : put_quoted(text, file->name));
    return named &&
           buffer_printf(text, " seq %" PRId64 " type %c\n", file->sequence, (char)file->kind);
}

enum err aof_manifest_format(const struct aof_manifest *manifest, struct buffer *text)
{
    static const enum aof_kind order[] = { AOF_BASE, AOF_HISTORY, AOF_INCREMENT };
    size_t start = text->count;
    for (size_t kind = 0; kind < sizeof order / sizeof order[0]; kind++) {
        for (uint32_t i = 0; i < manifest->count; i++) {
            if (manifest->files[i].kind != order[kind] || put_file(text, &manifest->files[i]))
                continue;
            text->count = start;
            return ERR_MEMORY;
        }
    }
    return ERR_NONE;
}

/* --- the file --------------------------------------------------------------------------------- */

static bool manifest_name(const struct aof_place *place, char *name)
{
    int length = snprintf(name, AOF_NAME_MAX + 1, "%s.manifest", place->name);
    return length > 0 && length <= AOF_NAME_MAX;
}

enum err aof_manifest_load(const struct aof_place *place, struct aof_manifest *manifest,
                           struct aof_manifest_fault *fault)
{
    char name[AOF_NAME_MAX + 1], path[AOF_PATH_MAX];
    struct buffer text = { 0 };
    *fault = (struct aof_manifest_fault){ .reason = "Read AOF file failed" };
    if (!manifest_name(place, name) || !aof_path(place, name, path))
        return ERR_LIMIT;
    enum err err = aof_file_read(place->seam, path, AOF_MANIFEST_MAX, &text);
    if (err == ERR_NONE)
        err = aof_manifest_parse(manifest, buffer_view(&text), fault);
    buffer_release(&text);
    return err;
}

enum err aof_manifest_save(const struct aof_place *place, const struct aof_manifest *manifest)
{
    char name[AOF_NAME_MAX + 1];
    struct buffer text = { 0 };
    if (!manifest_name(place, name))
        return ERR_LIMIT;
    enum err err = aof_manifest_format(manifest, &text);
    if (err == ERR_NONE)
        err = aof_file_replace(place, name, buffer_view(&text));
    buffer_release(&text);
    return err;
}
