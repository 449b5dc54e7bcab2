/* CLIENT TRACKING, CACHING, GETREDIR and TRACKINGINFO. */
#include "cmd/connection.h"
#include "cmd/tracking.h"

#include <stdlib.h>

enum { SHOWN_MAX = 128 };

struct tracking_options {
    unsigned flags;
    int64_t redirect;
    struct bytes *prefixes;
    uint32_t count;
};

/* --- prefixes that overlap -------------------------------------------------------------------- */

struct named_prefix {
    struct bytes text;
    uint32_t at;     /* among the given ones; UINT32_MAX: the client has it already */
    uint32_t parent; /* among all in order: the longest that it begins with; UINT32_MAX: none */
};

static int by_text(const void *one, const void *other)
{
    const struct named_prefix *a = one, *b = other;
    return bytes_compare(a->text, b->text);
}

static bool begins_with(struct bytes text, struct bytes prefix)
{
    return text.count >= prefix.count && bytes_equal(bytes_of(text.at, prefix.count), prefix);
}

static int shown(struct bytes text)
{
    return (int)(text.count < SHOWN_MAX ? text.count : SHOWN_MAX);
}

static bool overlap(const struct named_prefix *one, const struct named_prefix *other)
{
    return begins_with(one->text, other->text) || begins_with(other->text, one->text);
}

/* The first given one that overlaps with any; count when none does. In order, what a text begins
 * with stands in front of it: each has the longest such as its parent, and is not looked at again
 * where the next one has none of it. */
static uint32_t first_overlapping(struct named_prefix *all, uint32_t count)
{
    uint32_t found = count;
    qsort(all, count, sizeof *all, by_text);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t parent = i == 0 ? UINT32_MAX : i - 1;
        while (parent != UINT32_MAX && !begins_with(all[i].text, all[parent].text))
            parent = all[parent].parent;
        all[i].parent = parent;
        if (parent == UINT32_MAX)
            continue;
        uint32_t earlier = all[i].at < all[parent].at ? i : parent;
        if (found == count || all[earlier].at < all[found].at)
            found = earlier;
    }
    return found;
}

/* With which: one that is there already, in their order, or else the next that was given. */
static const struct named_prefix *partner_of(const struct named_prefix *all, uint32_t count,
                                             const struct named_prefix *first)
{
    const struct named_prefix *partner = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const struct named_prefix *other = &all[i];
        if (other == first || !overlap(first, other))
            continue;
        if (other->at == UINT32_MAX)
            return other;
        if (partner == NULL || other->at < partner->at)
            partner = other;
    }
    return partner;
}

/* False with the error written where some overlap. */
static bool none_overlap(struct call *call, struct named_prefix *all, uint32_t count)
{
    uint32_t found = first_overlapping(all, count);
    if (found == count)
        return true;
    const struct named_prefix *first = &all[found], *other = partner_of(all, count, first);
    reply_errorf(call->reply,
                 "ERR Prefix '%.*s' overlaps with %s prefix '%.*s'. Prefixes for a single client "
                 "must not overlap.",
                 shown(first->text), (const char *)first->text.at,
                 other->at == UINT32_MAX ? "an existing" : "another provided", shown(other->text),
                 (const char *)other->text.at);
    return false;
}

static bool prefixes_fit(struct call *call, const struct tracking_options *options)
{
    const struct tracking *tracking = call->client->tracking;
    uint32_t had = tracking != NULL ? tracking->prefix_count : 0, count = 0;
    struct named_prefix *all =
        arena_take(call->arena, ((size_t)had + options->count + 1) * sizeof *all);
    if (all == NULL) {
        call_memory_error(call);
        return false;
    }
    for (const struct prefix_member *at = had > 0 ? tracking->first : NULL; at != NULL;
         at = at->behind)
        all[count++] = (struct named_prefix){ prefix_text(at->prefix), UINT32_MAX, 0 };
    for (uint32_t i = 0; i < options->count; i++)
        all[count++] = (struct named_prefix){ options->prefixes[i], i, 0 };
    return options->count == 0 || none_overlap(call, all, count);
}

/* --- TRACKING --------------------------------------------------------------------------------- */

static bool read_redirect(struct call *call, uint32_t at, struct tracking_options *options)
{
    if (options->redirect != 0) {
        reply_error(call->reply, "ERR A client can only redirect to a single other client");
        return false;
    }
    if (!call_i64(call, at, &options->redirect))
        return false;
    if (options->redirect > 0 &&
        net_client_by_id(call->context->net, (uint64_t)options->redirect) != NULL)
        return true;
    reply_error(call->reply, "ERR The client ID you want redirect to does not exist");
    return false;
}

static unsigned flag_named(const struct call *call, uint32_t at)
{
    static const struct {
        const char *word;
        unsigned flag;
    } words[] = { { "bcast", TRACKING_BCAST },
                  { "optin", TRACKING_OPTIN },
                  { "optout", TRACKING_OPTOUT },
                  { "noloop", TRACKING_NOLOOP } };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (call_is(call, at, words[i].word))
            return words[i].flag;
    return 0;
}

static bool read_options(struct call *call, struct tracking_options *options)
{
    options->prefixes = arena_take(call->arena, call->argc * sizeof *options->prefixes);
    if (options->prefixes == NULL) {
        call_memory_error(call);
        return false;
    }
    for (uint32_t at = 3; at < call->argc; at++) {
        bool more = at + 1 < call->argc;
        unsigned flag = flag_named(call, at);
        options->flags |= flag;
        if (call_is(call, at, "redirect") && more) {
            if (!read_redirect(call, ++at, options))
                return false;
        } else if (call_is(call, at, "prefix") && more) {
            options->prefixes[options->count++] = call->argv[++at];
        } else if (flag == 0) {
            call_syntax_error(call);
            return false;
        }
    }
    return true;
}

/* The first rule that the options break, among each other or with what the client does already. */
static const char *conflict(const struct tracking_options *options, unsigned now, bool tracks)
{
    const unsigned either = TRACKING_OPTIN | TRACKING_OPTOUT;
    unsigned flags = options->flags;
    if ((flags & TRACKING_BCAST) == 0 && options->count > 0)
        return "ERR PREFIX option requires BCAST mode to be enabled";
    if (tracks && ((flags ^ now) & TRACKING_BCAST) != 0)
        return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, "
               "and then re-enabling it with a different mode.";
    if ((flags & TRACKING_BCAST) != 0 && (flags & either) != 0)
        return "ERR OPTIN and OPTOUT are not compatible with BCAST";
    if ((flags & either) == either)
        return "ERR You can't specify both OPTIN mode and OPTOUT mode";
    if (((flags & TRACKING_OPTIN) != 0 && (now & TRACKING_OPTOUT) != 0) ||
        ((flags & TRACKING_OPTOUT) != 0 && (now & TRACKING_OPTIN) != 0))
        return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, "
               "and then re-enabling it with a different mode.";
    return NULL;
}

static void start(struct call *call, const struct tracking_options *options)
{
    const struct tracking *tracking = call->client->tracking;
    const char *why = conflict(options, tracking == NULL ? 0 : tracking->flags, tracking != NULL);
    if (why != NULL)
        reply_error(call->reply, why);
    else if (!prefixes_fit(call, options))
        return;
    else if (tracking_start(call->context->tracker, call->client, options->flags,
                            (uint64_t)options->redirect, options->prefixes, options->count))
        reply_ok(call->reply);
    else
        call_memory_error(call);
}

void client_tracking(struct call *call)
{
    struct tracking_options options = { 0 };
    if (!read_options(call, &options))
        return;
    if (call_is(call, 2, "on")) {
        start(call, &options);
    } else if (call_is(call, 2, "off")) {
        tracking_stop(call->context->tracker, call->client);
        reply_ok(call->reply);
    } else {
        call_syntax_error(call);
    }
}

/* --- CACHING ---------------------------------------------------------------------------------- */

static void say_caching(struct call *call, unsigned mode, const char *refusal)
{
    struct tracking *tracking = call->client->tracking;
    if ((tracking->flags & mode) == 0) {
        reply_error(call->reply, refusal);
        return;
    }
    tracking->flags |= TRACKING_CACHING;
    reply_ok(call->reply);
}

void client_caching(struct call *call)
{
    if (call->client->tracking == NULL)
        reply_error(call->reply, "ERR CLIENT CACHING can be called only when the client is in "
                                 "tracking mode with OPTIN or OPTOUT mode enabled");
    else if (call_is(call, 2, "yes"))
        say_caching(call, TRACKING_OPTIN,
                    "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
    else if (call_is(call, 2, "no"))
        say_caching(call, TRACKING_OPTOUT,
                    "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
    else
        call_syntax_error(call);
}

/* --- what there is ---------------------------------------------------------------------------- */

int64_t client_redirect(const struct client *client)
{
    return client->tracking == NULL ? -1 : (int64_t)client->tracking->redirect;
}

void client_getredir(struct call *call)
{
    reply_i64(call->reply, client_redirect(call->client));
}

static void reply_flags(struct reply *reply, const struct tracking *tracking)
{
    unsigned flags = tracking == NULL ? 0 : tracking->flags;
    bool said = (flags & TRACKING_CACHING) != 0;
    const struct {
        bool holds;
        const char *word;
    } words[] = {
        { tracking != NULL, "on" },
        { tracking == NULL, "off" },
        { (flags & TRACKING_BCAST) != 0, "bcast" },
        { (flags & TRACKING_OPTIN) != 0, "optin" },
        { (flags & TRACKING_OPTIN) != 0 && said, "caching-yes" },
        { (flags & TRACKING_OPTOUT) != 0, "optout" },
        { (flags & TRACKING_OPTOUT) != 0 && said, "caching-no" },
        { (flags & TRACKING_NOLOOP) != 0, "noloop" },
        { (flags & TRACKING_BROKEN) != 0, "broken_redirect" },
    };
    uint64_t count = 0;
    struct reply_mark mark = reply_set_later(reply);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!words[i].holds)
            continue;
        reply_bulk_text(reply, words[i].word);
        count++;
    }
    reply_count(reply, mark, count);
}

static void reply_prefixes(struct call *call, const struct tracking *tracking)
{
    uint32_t count = tracking == NULL ? 0 : tracking->prefix_count, used = 0;
    struct named_prefix *all = arena_take(call->arena, ((size_t)count + 1) * sizeof *all);
    if (all == NULL)
        count = 0;
    for (const struct prefix_member *at = count > 0 ? tracking->first : NULL; at != NULL;
         at = at->behind)
        all[used++] = (struct named_prefix){ prefix_text(at->prefix), UINT32_MAX, 0 };
    if (count > 0)
        qsort(all, count, sizeof *all, by_text);
    reply_array(call->reply, count);
    for (uint32_t i = 0; i < count; i++)
        reply_bulk(call->reply, all[i].text);
}

void client_trackinginfo(struct call *call)
{
    const struct tracking *tracking = call->client->tracking;
    reply_map(call->reply, 3);
    reply_bulk_text(call->reply, "flags");
    reply_flags(call->reply, tracking);
    reply_bulk_text(call->reply, "redirect");
    reply_i64(call->reply, client_redirect(call->client));
    reply_bulk_text(call->reply, "prefixes");
    reply_prefixes(call, tracking);
}
