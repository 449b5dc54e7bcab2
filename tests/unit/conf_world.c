/* Files in memory. */
#include "conf_world.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>

static bool fails(struct world *world)
{
    if (world->calls++ != world->fail_at)
        return false;
    errno = world->error;
    return true;
}

static struct world_file *find(struct world *world, const char *name)
{
    for (size_t i = 0; i < WORLD_FILES; i++)
        if (world->files[i].exists && strcmp(world->files[i].name, name) == 0)
            return &world->files[i];
    return NULL;
}

static struct world_file *make(struct world *world, const char *name)
{
    for (size_t i = 0; i < WORLD_FILES; i++) {
        struct world_file *file = &world->files[i];
        if (file->exists)
            continue;
        (void)snprintf(file->name, sizeof(file->name), "%s", name);
        file->content.count = 0;
        file->exists = true;
        return file;
    }
    return NULL;
}

static int world_open(void *context, const char *path, int flags, unsigned mode)
{
    struct world *world = context;
    if (fails(world))
        return -1;
    if ((flags & O_DIRECTORY) != 0)
        return 1000;
    struct world_file *file = find(world, path);
    if (file != NULL && (flags & O_EXCL) != 0) {
        errno = EEXIST;
        return -1;
    }
    if (file == NULL && (flags & O_CREAT) != 0) {
        world->mode = mode;
        file = make(world, path);
    }
    if (file == NULL) {
        errno = ENOENT;
        return -1;
    }
    file->at = 0;
    return (int)(file - world->files) + 1;
}

/* Descriptor 0 is the file "-"; odd sizes, so that a reader must go on. */
static ssize_t world_read(void *context, int number, void *at, size_t bytes)
{
    struct world *world = context;
    struct world_file *file = number == 0 ? find(world, "-") : &world->files[number - 1];
    if (fails(world))
        return -1;
    size_t left = file == NULL ? 0 : file->content.count - file->at;
    size_t count = left < bytes ? left : bytes;
    count = count > 777 ? 777 : count;
    if (count > 0)
        memcpy(at, file->content.at + file->at, count);
    if (file != NULL)
        file->at += count;
    return (ssize_t)count;
}

static ssize_t world_write(void *context, int number, const void *at, size_t bytes)
{
    struct world *world = context;
    size_t count = bytes > 777 ? 777 : bytes;
    if (fails(world))
        return -1;
    return buffer_append(&world->files[number - 1].content, bytes_of(at, count)) ? (ssize_t)count
                                                                                 : -1;
}

static int world_sync(void *context, int number)
{
    (void)number;
    return fails(context) ? -1 : 0;
}

static int world_rename(void *context, const char *from, const char *to)
{
    struct world *world = context;
    if (fails(world))
        return -1;
    struct world_file *old = find(world, to), *file = find(world, from);
    if (old != NULL)
        old->exists = false;
    (void)snprintf(file->name, sizeof(file->name), "%s", to);
    return 0;
}

static int world_unlink(void *context, const char *path)
{
    struct world_file *file = find(context, path);
    if (file != NULL)
        file->exists = false;
    return file == NULL ? -1 : 0;
}

static int world_close(void *context, int number)
{
    (void)number;
    return fails(context) ? -1 : 0;
}

static void world_random(void *context, void *at, size_t bytes)
{
    (void)context;
    memset(at, 0x5a, bytes);
}

static enum err enter(void *context, const char *path, struct config_text *absolute)
{
    struct world *world = context;
    if (strstr(path, "nowhere") != NULL) {
        errno = ENOENT;
        return ERR_SYSTEM;
    }
    (void)snprintf(world->directory, sizeof(world->directory), "%s%s", path[0] == '/' ? "" : "/w/",
                   path);
    return config_text_set(absolute, bytes_of_text(world->directory));
}

static enum err expand(void *context, const char *pattern,
                       enum err (*each)(void *argument, const char *path), void *argument)
{
    struct world *world = context;
    enum err err = ERR_NONE;
    for (size_t i = 0; err == ERR_NONE && i < WORLD_FILES; i++)
        if (world->files[i].exists && fnmatch(pattern, world->files[i].name, 0) == 0)
            err = each(argument, world->files[i].name);
    return err;
}

static int mode(void *context, const char *path)
{
    return find(context, path) == NULL ? -1 : 0640;
}

void world_init(struct world *world)
{
    memset(world, 0, sizeof(*world));
    world->fail_at = -1;
    world->error = EIO;
    world->seam = (struct seam){ .context = world,
                                 .random = world_random,
                                 .open = world_open,
                                 .read = world_read,
                                 .write = world_write,
                                 .sync = world_sync,
                                 .rename = world_rename,
                                 .unlink = world_unlink,
                                 .close = world_close };
    world->host =
        (struct conf_host){ .context = world, .enter = enter, .expand = expand, .mode = mode };
}

void world_release(struct world *world)
{
    for (size_t i = 0; i < WORLD_FILES; i++)
        buffer_release(&world->files[i].content);
}

void world_put(struct world *world, const char *name, struct bytes content)
{
    struct world_file *file = find(world, name);
    if (file == NULL)
        file = make(world, name);
    file->content.count = 0;
    if (!buffer_append(&file->content, content))
        file->exists = false;
}

struct bytes world_view(struct world *world, const char *name)
{
    struct world_file *file = find(world, name);
    return file == NULL ? BYTES("") : buffer_view(&file->content);
}

size_t world_count(const struct world *world)
{
    size_t count = 0;
    for (size_t i = 0; i < WORLD_FILES; i++)
        count += world->files[i].exists;
    return count;
}
