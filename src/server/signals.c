/* SIGTERM and SIGINT end the server at its next safe point; a second SIGINT ends it on the spot. */
#include "server/server.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* A handler knows no context. */
static struct server *signalled;
static volatile sig_atomic_t asked;

static void on_signal(int number)
{
    static const char hurry[] = "You insist... exiting now.\n";
    if (asked != 0 && number == SIGINT) {
        ssize_t ignored = write(STDOUT_FILENO, hurry, sizeof hurry - 1);
        (void)ignored;
        _exit(1);
    }
    asked = number;
    net_wake(signalled->net);
}

void server_catch_signals(struct server *server)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    signalled = server;
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write past the limit fails, and is told as any other */
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_signal;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

bool server_end_was_asked(struct server *server, int *number)
{
    if (asked == 0 || server->stopping)
        return false;
    *number = asked;
    asked = 0;
    log_write(&server->log, LOG_LEVEL_WARNING, "Received %s scheduling shutdown...",
              *number == SIGINT ? "SIGINT" : "SIGTERM");
    return true;
}
