#include "os/part.h"

#include "os/process.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The path of `file` in `place`, a way from the directory of the program; false: too long. */
static bool path_of(char at[PATH_MAX], const char *place, const char *file)
{
    char program[PATH_MAX];
    process_executable(program, sizeof program);
    char *end = strrchr(program, '/');
    if (end == NULL)
        return false;
    *end = 0;
    int count = snprintf(at, PATH_MAX, "%s/%s%s", program, place, file);
    return count > 0 && count < PATH_MAX;
}

static const void *refuse(const char *text, const char *more, char *reason, size_t bytes)
{
    snprintf(reason, bytes, "Unable to load a part of the server: %s%s", text, more);
    return NULL;
}

static const void *load(const char *path, const char *symbol, char *reason, size_t bytes)
{
    void *part = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (part == NULL)
        return refuse(dlerror(), "", reason, bytes);
    const char *version = dlsym(part, "part_version");
    if (version == NULL || strcmp(version, SNUG_VERSION) != 0)
        return refuse(path, " is of another version: restart the server", reason, bytes);
    const void *found = dlsym(part, symbol);
    return found != NULL ? found : refuse(dlerror(), "", reason, bytes);
}

const void *part_load(const char *file, const char *symbol, char *reason, size_t bytes)
{
    static const char *const places[] = { "", "../lib/snug/" };
    char path[PATH_MAX];
    for (size_t at = 0; at < sizeof places / sizeof *places; at++) {
        if (path_of(path, places[at], file) && access(path, F_OK) == 0)
            return load(path, symbol, reason, bytes);
    }
    return refuse(file, " is neither beside the program nor in ../lib/snug: install it again",
                  reason, bytes);
}
