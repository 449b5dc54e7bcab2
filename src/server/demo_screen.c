#include "server/demo_screen.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR_CELLS = 28, DRAW_NS = 100 * 1000 * 1000, SHOWN_AFTER_NS = 300 * 1000 * 1000 };

void demo_screen_init(struct demo_screen *screen, const struct seam *seam)
{
    *screen = (struct demo_screen){ .seam = seam };
    screen->output = isatty(STDOUT_FILENO);
    screen->input = isatty(STDIN_FILENO);
}

void demo_screen_restore(struct demo_screen *screen)
{
    if (screen->changed)
        tcsetattr(STDIN_FILENO, TCSANOW, &screen->before);
    screen->changed = false;
    if (screen->drawn)
        printf("\n");
    screen->drawn = false;
    fflush(stdout);
}

static void wipe(struct demo_screen *screen)
{
    if (screen->drawn)
        printf("\r\033[K");
    screen->drawn = false;
}

void demo_say(struct demo_screen *screen, const char *format, ...)
{
    va_list arguments;
    wipe(screen);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
}

void demo_begin(struct demo_screen *screen)
{
    screen->begun_ns = seam_now_ns(screen->seam);
    screen->drawn_ns = 0;
}

/* Whether it is time for the line to be drawn. */
static bool is_due(struct demo_screen *screen)
{
    uint64_t now_ns = seam_now_ns(screen->seam);
    if (!screen->output || now_ns < screen->begun_ns + SHOWN_AFTER_NS ||
        now_ns < screen->drawn_ns + DRAW_NS)
        return false;
    screen->drawn_ns = now_ns;
    return true;
}

static void draw_words(struct demo_screen *screen, const char *format, va_list arguments)
{
    vprintf(format, arguments);
    fflush(stdout);
    screen->drawn = true;
}

void demo_progress(struct demo_screen *screen, double done, const char *format, ...)
{
    char bar[BAR_CELLS + 1];
    va_list arguments;
    if (!is_due(screen))
        return;
    done = done < 0 ? 0 : done > 1 ? 1 : done;
    size_t full = (size_t)(done * BAR_CELLS);
    memset(bar, '#', full);
    memset(bar + full, '.', BAR_CELLS - full);
    bar[BAR_CELLS] = '\0';
    wipe(screen);
    printf("    [%s] %3.0f %%  ", bar, done * 100);
    va_start(arguments, format);
    draw_words(screen, format, arguments);
    va_end(arguments);
}

void demo_note(struct demo_screen *screen, const char *format, ...)
{
    va_list arguments;
    if (!is_due(screen))
        return;
    wipe(screen);
    printf("    ");
    va_start(arguments, format);
    draw_words(screen, format, arguments);
    va_end(arguments);
}

bool demo_listen(struct demo_screen *screen)
{
    struct termios ways;
    if (!screen->input || screen->changed)
        return screen->changed;
    if (tcgetattr(STDIN_FILENO, &screen->before) != 0)
        return false;
    ways = screen->before;
    ways.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    ways.c_cc[VMIN] = 1;
    ways.c_cc[VTIME] = 0;
    /* What was typed before is no answer. */
    screen->changed = tcsetattr(STDIN_FILENO, TCSAFLUSH, &ways) == 0;
    return screen->changed;
}

bool demo_key(struct demo_screen *screen, int stop, int wait_ms)
{
    struct pollfd both[] = { { .fd = STDIN_FILENO, .events = POLLIN },
                             { .fd = stop, .events = POLLIN } };
    char key;
    if (!screen->changed)
        both[0].fd = -1;
    if (poll(both, 2, wait_ms) <= 0 || both[0].revents == 0)
        return false;
    return read(STDIN_FILENO, &key, 1) >= 0;
}
