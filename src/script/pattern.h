/* script/pattern.h - Lua's patterns, matched by a matcher that can be ended.
 * Model:    %a %d [set] * + - ? ( ) %1 %b() %f[set] ^ $, as the manual of Lua 5.1 has them. Trying
 *           again is what costs: a few repetitions behind each other make more tries than anybody
 *           waits for, so each is counted, and the clock is looked at.
 * Owner:    the caller.
 * Pointers: captures are views of the text.
 * Threads:  the executing thread.
 * Failure:  a Lua error for a malformed pattern, or one that nests too deep.
 * Cost:     as the pattern makes it. */
#ifndef SCRIPT_PATTERN_H
#define SCRIPT_PATTERN_H

#include "script/inside.h"

enum { PATTERN_CAPTURES_MAX = 32, PATTERN_DEPTH_MAX = 200 };
enum { CAPTURE_OPEN = -1, CAPTURE_POSITION = -2 }; /* instead of a count */

struct pattern_match {
    lua_State *L;
    struct script_engine *engine;
    const uint8_t *text, *text_end;
    const uint8_t *pattern_end;
    uint32_t depth, captures;
    struct {
        const uint8_t *at;
        ptrdiff_t count;
    } capture[PATTERN_CAPTURES_MAX];
};

/* Where a match that begins at `text` ends; NULL: there is none. Forgets earlier captures. */
const uint8_t *pattern_match(struct pattern_match *match, const uint8_t *text,
                             const uint8_t *pattern);

#endif
