#include "os/daemon.h"

#include "base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool daemon_detach(void)
{
    pid_t child = fork();
    if (child < 0)
        return false;
    if (child > 0)
        _exit(0);
    setsid();
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return false;
    bool done = true;
    for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++)
        done = dup2(null, standard) == standard && done;
    if (null > STDERR_FILENO)
        close(null);
    return done;
}

bool daemon_write_pidfile(const char *path)
{
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return false;
    bool written = fprintf(file, "%d\n", (int)getpid()) > 0;
    return fclose(file) == 0 && written;
}

void daemon_remove_pidfile(const char *path)
{
    unlink(path);
}

/* A path, or a name in the abstract space written with '@' for its leading NUL. */
static bool notify_address(const char *name, struct sockaddr_un *address, socklen_t *bytes)
{
    size_t count = strlen(name);
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if ((name[0] != '/' && name[0] != '@') || count >= sizeof(address->sun_path)) {
        errno = EINVAL;
        return false;
    }
    memcpy(address->sun_path, name, count);
    if (name[0] == '@')
        address->sun_path[0] = '\0';
    *bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + count);
    return true;
}

bool daemon_notify(const char *state)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    socklen_t bytes;
    if (name == NULL || !notify_address(name, &address, &bytes))
        return false;
    int file = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (file < 0)
        return false;
    size_t count = strlen(state);
    const struct sockaddr *to = (const struct sockaddr *)&address;
    bool sent = sendto(file, state, count, MSG_NOSIGNAL, to, bytes) == (ssize_t)count;
    close(file);
    return sent;
}

bool daemon_under_systemd(void)
{
    return getenv("NOTIFY_SOCKET") != NULL;
}

bool daemon_under_upstart(void)
{
    return getenv("UPSTART_JOB") != NULL;
}

void daemon_tell_upstart(void)
{
    raise(SIGSTOP);
    unsetenv("UPSTART_JOB");
}
