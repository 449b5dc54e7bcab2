#include "persist/saver.h"
#include "store/walk.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    US = 1000,
    MS = 1000 * US,
    SLICE_NS = 250 * US,   /* of each half millisecond, while clients are served */
    PRESSED_NS = 500 * US, /* before a command that writes, while it is pressed */
    WAIT_NS = 1 * MS,      /* for the disk */
    WHOLE_NS = 100 * MS,   /* of one that is written at once, between two looks at the disk */
};

static uint64_t store_dirty(const struct saver *saver)
{
    struct store_figures figures;
    store_figures(saver->store, &figures);
    return figures.dirty;
}

static int64_t now_s(const struct saver *saver)
{
    return seam_wall_ms(saver->seam) / 1000;
}

__attribute__((format(printf, 3, 4))) static void tell(struct saver *saver, bool warning,
                                                       const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    saver->callbacks.log(saver->callbacks.context, warning, text);
}

void saver_init(struct saver *saver, const struct seam *seam, struct store *store,
                const struct saver_callbacks *callbacks)
{
    *saver = (struct saver){
        .seam = seam, .store = store, .callbacks = *callbacks, .last_duration = -1
    };
    saver->saved_s = now_s(saver);
}

/* --- ends ------------------------------------------------------------------------------------- */

static void note_done(struct saver *saver, const struct snapshot_figures *figures)
{
    saver->dirty = saver->dirty_began;
    saver->saved_s = now_s(saver);
    saver->saves++;
    tell(saver, false,
         "DB saved on disk: %" PRIu64 " keys, %" PRIu64 " bytes; %" PRIu64
         " bytes at most were kept for it in memory",
         figures->keys_done, figures->written, figures->held_most);
}

static void note_end(struct saver *saver, enum snapshot_state state)
{
    struct snapshot_figures figures;
    uint64_t spent_ns = seam_now_ns(saver->seam) - saver->began_ns;
    snapshot_figures(saver->snapshot, &figures);
    saver->last_held = figures.held_most;
    if (state == SNAPSHOT_DONE)
        note_done(saver, &figures);
    else if (state == SNAPSHOT_FAILED)
        tell(saver, true, "%s failed: %s", saver->background ? "Background saving" : "Saving",
             snapshot_reason(saver->snapshot));
    else
        tell(saver, true, "The snapshot was given up before its end");
    if (saver->background && state != SNAPSHOT_ABANDONED) {
        saver->last_failed = state == SNAPSHOT_FAILED;
        saver->last_duration = (int64_t)(spent_ns / (1000 * (uint64_t)MS));
    }
    if (!saver->background && state == SNAPSHOT_DONE)
        saver->last_failed = false;
}

static bool note_rewritten(struct saver *saver, enum snapshot_state state, bool wait)
{
    struct snapshot_figures figures;
    snapshot_figures(saver->snapshot, &figures);
    saver->last_held = figures.held_most;
    return saver->callbacks.rewritten(saver->callbacks.context, state, &figures,
                                      snapshot_reason(saver->snapshot), wait);
}

/* A rewrite that is written may wait for its files' names: it goes on then, unless `wait`. */
static void end(struct saver *saver, enum snapshot_state state, bool wait)
{
    if (saver->rewriting && !note_rewritten(saver, state, wait))
        return;
    if (!saver->rewriting)
        note_end(saver, state);
    snapshot_drop(saver->snapshot);
    saver->snapshot = NULL;
    saver->rewriting = false;
    saver->untidy = true;
    saver->callbacks.changed(saver->callbacks.context);
}

/* --- begins ----------------------------------------------------------------------------------- */

static enum err start(struct saver *saver, bool background)
{
    struct snapshot_options options = { .seam = saver->seam, .store = saver->store };
    struct snapshot_figures figures;
    saver->callbacks.options(saver->callbacks.context, &options);
    saver->background = background;
    saver->rewriting = false;
    saver->dirty_began = store_dirty(saver);
    saver->began_ns = saver->step_ns = seam_now_ns(saver->seam);
    saver->snapshot = snapshot_new(&options);
    if (saver->snapshot == NULL) {
        tell(saver, true, "A snapshot could not be begun: no memory, or no thread");
        return ERR_SYSTEM;
    }
    snapshot_figures(saver->snapshot, &figures);
    if (figures.version != options.version)
        tell(saver, false, "Some fields expire: the snapshot has format version %u, not %u",
             figures.version, options.version);
    return ERR_NONE;
}

static void start_background(struct saver *saver)
{
    saver->wanted = false;
    saver->tried_s = now_s(saver);
    if (start(saver, true) != ERR_NONE) {
        saver->last_failed = true;
    } else {
        tell(saver, false, "Background saving started");
    }
    saver->callbacks.changed(saver->callbacks.context);
}

/* The end of one that could not begin is told as of any other. */
static void end_unbegun(struct saver *saver, enum snapshot_state state, const char *reason)
{
    const struct snapshot_figures nothing = { 0 };
    bool ended =
        saver->callbacks.rewritten(saver->callbacks.context, state, &nothing, reason, true);
    ENSURE(ended);
    saver->rewriting = false;
    saver->callbacks.changed(saver->callbacks.context);
}

static void begin_rewrite(struct saver *saver)
{
    struct snapshot_options options = { .seam = saver->seam, .store = saver->store };
    enum saver_rewrite rewrite = saver->callbacks.rewrite(saver->callbacks.context, &options);
    saver->rewriting = rewrite != SAVER_REWRITE_FAILS;
    if (rewrite == SAVER_REWRITE_BEGINS) {
        saver->began_ns = saver->step_ns = seam_now_ns(saver->seam);
        saver->snapshot = snapshot_new(&options);
        if (saver->snapshot == NULL)
            end_unbegun(saver, SNAPSHOT_FAILED, "no memory, or no thread");
    }
    saver->callbacks.changed(saver->callbacks.context);
}

static void start_rewrite(struct saver *saver)
{
    saver->rewrite_wanted = false;
    saver->background = true;
    begin_rewrite(saver);
}

static void tidy(struct saver *saver, uint64_t deadline_ns)
{
    if (saver->untidy)
        saver->untidy = !store_walk_tidy(saver->store, deadline_ns);
}

enum err saver_begin(struct saver *saver)
{
    if (saver_is_running(saver))
        return ERR_EXISTS;
    if (saver->untidy) {
        saver->wanted = true;
        return ERR_NONE;
    }
    start_background(saver);
    return saver->snapshot != NULL ? ERR_NONE : ERR_SYSTEM;
}

void saver_want(struct saver *saver)
{
    saver->wanted = true;
}

enum err saver_begin_rewrite(struct saver *saver)
{
    if (saver_is_running(saver))
        return ERR_EXISTS;
    if (saver->untidy) {
        saver->rewrite_wanted = true;
        return ERR_NONE;
    }
    start_rewrite(saver);
    return saver->rewriting ? ERR_NONE : ERR_SYSTEM;
}

void saver_want_rewrite(struct saver *saver)
{
    saver->rewrite_wanted = true;
}

static enum snapshot_state finish(struct saver *saver)
{
    enum snapshot_state state;
    do {
        state = snapshot_step(saver->snapshot, seam_now_ns(saver->seam) + WHOLE_NS);
        if (state == SNAPSHOT_RUNNING && !snapshot_is_busy(saver->snapshot))
            snapshot_wait(saver->snapshot, WHOLE_NS);
    } while (state == SNAPSHOT_RUNNING);
    return state;
}

enum err saver_save(struct saver *saver)
{
    if (saver_is_rewriting(saver)) {
        saver_cancel(saver);
        saver->rewrite_wanted = true;
    }
    if (saver->snapshot != NULL)
        return ERR_EXISTS;
    while (saver->untidy)
        tidy(saver, seam_now_ns(saver->seam) + WHOLE_NS);
    if (start(saver, false) != ERR_NONE)
        return ERR_SYSTEM;
    enum snapshot_state state = finish(saver);
    end(saver, state, true);
    return state == SNAPSHOT_DONE ? ERR_NONE : ERR_SYSTEM;
}

void saver_cancel(struct saver *saver)
{
    if (saver->snapshot == NULL) {
        if (saver->rewriting)
            end_unbegun(saver, SNAPSHOT_ABANDONED, "");
        return;
    }
    snapshot_cancel(saver->snapshot);
    end(saver, finish(saver), true);
}

void saver_give_up_old(struct saver *saver)
{
    if (saver_is_saving(saver) && saver->background)
        snapshot_cancel(saver->snapshot);
}

void saver_cancel_rewrite(struct saver *saver)
{
    saver->rewrite_wanted = false;
    if (saver_is_rewriting(saver))
        saver_cancel(saver);
}

void saver_release(struct saver *saver)
{
    snapshot_drop(saver->snapshot);
    saver->snapshot = NULL;
}

/* --- steps ------------------------------------------------------------------------------------ */

/* What was flushed away while it was being told is told anew: somebody has asked for it. */
static void look_at_end(struct saver *saver, enum snapshot_state state)
{
    if (state == SNAPSHOT_RUNNING)
        return;
    if (state == SNAPSHOT_ABANDONED && saver->rewriting)
        saver->rewrite_wanted = true;
    else if (state == SNAPSHOT_ABANDONED)
        saver->wanted = true;
    end(saver, state, false);
}

static uint64_t run(struct saver *saver, uint64_t now_ns, bool idle)
{
    look_at_end(saver, snapshot_step(saver->snapshot, now_ns + SLICE_NS));
    if (saver->snapshot == NULL)
        return 0;
    if (!snapshot_is_busy(saver->snapshot))
        return WAIT_NS;
    return idle ? 0 : SLICE_NS;
}

uint64_t saver_step(struct saver *saver, uint64_t now_ns, bool idle)
{
    if (!saver_is_running(saver) && !saver->wanted && !saver->rewrite_wanted && !saver->untidy)
        return UINT64_MAX;
    if (now_ns < saver->step_ns && !idle)
        return saver->step_ns - now_ns;
    uint64_t wait = 0;
    if (saver->snapshot != NULL) {
        wait = run(saver, now_ns, idle);
    } else if (saver->rewriting) {
        begin_rewrite(saver);
        wait = saver->rewriting && saver->snapshot == NULL ? WAIT_NS : 0;
    } else if (saver->untidy) {
        tidy(saver, now_ns + SLICE_NS);
        wait = saver->untidy && !idle ? SLICE_NS : 0;
    } else if (saver->rewrite_wanted) {
        start_rewrite(saver);
    } else {
        start_background(saver);
    }
    saver->step_ns = seam_now_ns(saver->seam) + wait;
    return wait;
}

bool saver_is_pressed(struct saver *saver)
{
    return saver->snapshot != NULL && snapshot_is_pressed(saver->snapshot);
}

void saver_press_on(struct saver *saver)
{
    if (!saver_is_pressed(saver))
        return;
    if (!snapshot_is_busy(saver->snapshot))
        snapshot_wait(saver->snapshot, WAIT_NS);
    look_at_end(saver, snapshot_step(saver->snapshot, seam_now_ns(saver->seam) + PRESSED_NS));
}

/* --- changes ---------------------------------------------------------------------------------- */

uint64_t saver_changes(const struct saver *saver)
{
    return store_dirty(saver) - saver->dirty;
}

void saver_forget_changes(struct saver *saver)
{
    saver->dirty = store_dirty(saver);
}
