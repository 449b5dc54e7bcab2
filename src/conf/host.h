/* conf/host.h - the calls on the file system that configuration needs beside the seam.
 * Model:    a struct of functions; conf_host_real makes the calls, tests give their own or NULL.
 * Owner:    server/ holds one.
 * Pointers: texts passed in are not kept.
 * Threads:  the executing thread.
 * Failure:  ERR_SYSTEM and errno, or ERR_MEMORY.
 * Cost:     the system calls'. */
#ifndef CONF_HOST_H
#define CONF_HOST_H

#include "conf/config.h"

struct conf_host {
    void *context;
    /* Makes `path` the working directory and answers its absolute name. */
    enum err (*enter)(void *context, const char *path, struct config_text *absolute);
    /* Calls `each` for every file that a pattern (* ? [) matches, in order; stops at an error. */
    enum err (*expand)(void *context, const char *pattern,
                       enum err (*each)(void *argument, const char *path), void *argument);
    /* The permission bits of an existing file, or -1. */
    int (*mode)(void *context, const char *path);
};

extern const struct conf_host conf_host_real;

#endif
