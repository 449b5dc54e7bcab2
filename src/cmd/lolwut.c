#include "base/number.h"
#include "base/rng.h"
#include "base/version.h"
#include "cmd/server.h"

/* A heap full of holes, and the same cells moved together: what this server is for. */

enum { COLUMNS = 40, ROWS = 8, COLUMNS_MAX = 160, ROWS_MAX = 50 };

struct picture {
    struct buffer text;
    struct rng rng;
    uint32_t columns, rows;
    uint32_t cells; /* live ones drawn so far */
    bool complete;
};

static void draw(struct picture *picture, const char *text)
{
    picture->complete = picture->complete && buffer_append_text(&picture->text, text);
}

static void draw_cell(struct picture *picture, bool live)
{
    static const char *const shades[] = { "\u2588", "\u2593", "\u2592" };
    draw(picture, live ? shades[rng_below(&picture->rng, 3)] : "\u00b7");
}

/* Every row, a span of the heap, has its own share of live cells. */
static void draw_scattered(struct picture *picture)
{
    for (uint32_t row = 0; row < picture->rows; row++) {
        uint64_t percent = 5 + rng_below(&picture->rng, 60);
        draw(picture, "  ");
        for (uint32_t column = 0; column < picture->columns; column++) {
            bool live = rng_below(&picture->rng, 100) < percent;
            picture->cells += live;
            draw_cell(picture, live);
        }
        draw(picture, "\n");
    }
}

static void draw_packed(struct picture *picture)
{
    for (uint32_t done = 0; done < picture->cells;) {
        draw(picture, "  ");
        for (uint32_t column = 0; column < picture->columns; column++, done++)
            draw_cell(picture, done < picture->cells);
        draw(picture, "\n");
    }
}

static uint32_t size_from(const struct call *call, uint32_t at, uint32_t preset, uint32_t most)
{
    int64_t size = 0;
    if (at >= call->argc || !number_read_i64(call->argv[at], &size) || size < 1)
        return preset;
    return size < (int64_t)most ? (uint32_t)size : most;
}

/* LOLWUT [VERSION n] [columns [rows]]: there is one version. */
void cmd_lolwut(struct call *call)
{
    uint32_t at = 1;
    int64_t version = 0;
    if (call->argc >= 3 && call_is(call, 1, "version")) {
        if (!call_i64(call, 2, &version))
            return;
        at = 3;
    }
    struct picture picture = { .columns = size_from(call, at, COLUMNS, COLUMNS_MAX),
                               .rows = size_from(call, at + 1, ROWS, ROWS_MAX),
                               .complete = true };
    rng_init(&picture.rng, (uint64_t)seam_wall_us(call->context->seam));
    draw_scattered(&picture);
    draw(&picture, "\n  ... and snug:\n\n");
    draw_packed(&picture);
    draw(&picture, "\nSnug ver. " SNUG_VERSION " (Redis ver. " SNUG_REDIS_VERSION ")\n");
    if (picture.complete)
        reply_verbatim(call->reply, "txt", buffer_view(&picture.text));
    else
        call_memory_error(call);
    buffer_release(&picture.text);
}
