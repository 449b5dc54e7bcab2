/* The real calls. */
#include "conf/host.h"

#include <glob.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err enter(void *context, const char *path, struct config_text *absolute)
{
    char name[PATH_MAX];
    (void)context;
    if (chdir(path) != 0 || getcwd(name, sizeof(name)) == NULL)
        return ERR_SYSTEM;
    return config_text_set(absolute, bytes_of_text(name));
}

static enum err expand(void *context, const char *pattern,
                       enum err (*each)(void *argument, const char *path), void *argument)
{
    glob_t found;
    enum err err = ERR_NONE;
    (void)context;
    int outcome = glob(pattern, 0, NULL, &found);
    if (outcome == GLOB_NOSPACE)
        return ERR_MEMORY;
    if (outcome != 0)
        return ERR_NONE;
    for (size_t i = 0; err == ERR_NONE && i < found.gl_pathc; i++)
        err = each(argument, found.gl_pathv[i]);
    globfree(&found);
    return err;
}

static int mode(void *context, const char *path)
{
    struct stat status;
    (void)context;
    return stat(path, &status) == 0 ? (int)(status.st_mode & 07777) : -1;
}

const struct conf_host conf_host_real = { .enter = enter, .expand = expand, .mode = mode };
