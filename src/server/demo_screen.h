/* server/demo_screen.h - the terminal of --demo: a line that is drawn over, and one key.
 * Model:    where the output is a terminal, progress is one line, drawn anew at most ten times a
 *           second and only for what takes longer than one; elsewhere it is left out. Where input
 *           is a terminal, a key is waited for without its line's end.
 * Owner:    the demo's thread; demo_screen_restore gives the terminal back as it was.
 * Pointers: none kept.
 * Threads:  the demo's; restoring also by the main thread after the demo's has ended.
 * Failure:  what cannot be written is lost.
 * Cost:     none worth naming. */
#ifndef SERVER_DEMO_SCREEN_H
#define SERVER_DEMO_SCREEN_H

#include "base/seam.h"

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

struct demo_screen {
    const struct seam *seam;
    bool output, input; /* terminals */
    bool changed;       /* the input's ways, which `before` holds */
    struct termios before;
    uint64_t begun_ns, drawn_ns;
    bool drawn; /* a line stands that is not ended */
};

void demo_screen_init(struct demo_screen *screen, const struct seam *seam);
void demo_screen_restore(struct demo_screen *screen);

/* A line for good. */
void demo_say(struct demo_screen *screen, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Begins something that may take time. */
void demo_begin(struct demo_screen *screen);
/* How far it is, 0 to 1, and words behind the bar. */
void demo_progress(struct demo_screen *screen, double done, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Words in the place of the bar, drawn over by what comes next. */
void demo_note(struct demo_screen *screen, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* From now on keys come one by one; false: the input is no terminal. */
bool demo_listen(struct demo_screen *screen);
/* A key was pressed, or the input has ended; waits at most so long, and not where `stop` is
 * readable. */
bool demo_key(struct demo_screen *screen, int stop, int wait_ms);

#endif
