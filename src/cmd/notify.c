#include "cmd/notify.h"

#include "cmd/channels.h"
#include "conf/config.h"
#include "store/store.h"

enum { PLACES = CONFIG_NOTIFY_KEYSPACE | CONFIG_NOTIFY_KEYEVENT };

/* The letter of an event's row is that of the option. */
static unsigned class_of(enum event event)
{
    static const struct {
        char letter;
        unsigned class;
    } classes[] = {
        { 'g', CONFIG_NOTIFY_GENERIC }, { '$', CONFIG_NOTIFY_STRING },
        { 'l', CONFIG_NOTIFY_LIST },    { 's', CONFIG_NOTIFY_SET },
        { 'h', CONFIG_NOTIFY_HASH },    { 'z', CONFIG_NOTIFY_ZSET },
        { 'x', CONFIG_NOTIFY_EXPIRED }, { 'e', CONFIG_NOTIFY_EVICTED },
        { 't', CONFIG_NOTIFY_STREAM },  { 'm', CONFIG_NOTIFY_KEY_MISS },
        { 'n', CONFIG_NOTIFY_NEW },
    };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (classes[i].letter == event_rows[event].letter)
            return classes[i].class;
    return 0;
}

static void publish(struct channels *channels, const char *place, unsigned db, struct bytes name,
                    struct bytes message)
{
    struct buffer *channel = &channels->notified;
    channel->count = 0;
    if (buffer_printf(channel, "__%s@%u__:", place, db) && buffer_append(channel, name))
        channels_publish(channels, buffer_view(channel), message);
}

static void on_event(void *context, unsigned db, struct bytes key, enum event event)
{
    struct channels *channels = context;
    if (channels_silent(channels) || (class_of(event) & channels->notify) == 0)
        return;
    struct bytes word = bytes_of_text(event_rows[event].word);
    if ((channels->notify & CONFIG_NOTIFY_KEYSPACE) != 0)
        publish(channels, "keyspace", db, key, word);
    if ((channels->notify & CONFIG_NOTIFY_KEYEVENT) != 0)
        publish(channels, "keyevent", db, word, key);
}

void notify_configure(struct cmd_context *context, unsigned wanted)
{
    struct channels *channels = context->channels;
    bool heard = (wanted & PLACES) != 0 && (wanted & ~(unsigned)PLACES) != 0;
    store_remove_hooks(context->store, channels);
    channels->notify = wanted;
    if (!heard)
        return;
    struct store_hooks hooks = { .changed = on_event, .notified = on_event, .context = channels };
    store_add_hooks(context->store, &hooks);
}
