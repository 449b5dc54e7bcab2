#include "server/demo_link.h"

#include "base/number.h"
#include "os/net.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum { ANSWER_MS = 20 * 1000, CONNECT_MS = 5000, PIECE_BYTES = 64 * 1024 };

bool demo_link_open(struct demo_link *link, uint16_t port, int stop)
{
    *link = (struct demo_link){ .stop = stop };
    link->socket = socket_connect_tcp("127.0.0.1", port, CONNECT_MS);
    if (link->socket >= 0)
        socket_set_no_delay(link->socket);
    return link->socket >= 0;
}

void demo_link_close(struct demo_link *link)
{
    if (link->socket >= 0)
        close(link->socket);
    link->socket = -1;
    buffer_release(&link->out);
    buffer_release(&link->in);
}

bool demo_is_stopped(const struct demo_link *link)
{
    struct pollfd stop = { .fd = link->stop, .events = POLLIN };
    return poll(&stop, 1, 0) > 0;
}

/* Until the socket is ready; false: the end, or no answer for a long time. */
static bool wait_for(const struct demo_link *link, short events)
{
    struct pollfd both[] = { { .fd = link->socket, .events = events },
                             { .fd = link->stop, .events = POLLIN } };
    for (;;) {
        int ready = poll(both, 2, ANSWER_MS);
        if (ready < 0 && errno == EINTR)
            continue;
        return ready > 0 && both[1].revents == 0;
    }
}

static bool send_all(struct demo_link *link)
{
    size_t sent = 0;
    while (sent < link->out.count) {
        ssize_t count = send(link->socket, link->out.at + sent, link->out.count - sent,
                             MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count > 0)
            sent += (size_t)count;
        else if (errno != EAGAIN && errno != EINTR)
            return false;
        else if (!wait_for(link, POLLOUT))
            return false;
    }
    link->out.count = 0;
    return true;
}

static bool receive_more(struct demo_link *link)
{
    buffer_consume(&link->in, link->read);
    link->read = 0;
    if (!buffer_reserve(&link->in, PIECE_BYTES))
        return false;
    for (;;) {
        if (!wait_for(link, POLLIN))
            return false;
        ssize_t count = recv(link->socket, link->in.at + link->in.count, PIECE_BYTES, MSG_DONTWAIT);
        if (count > 0) {
            link->in.count += (size_t)count;
            return true;
        }
        if (count == 0 || (errno != EAGAIN && errno != EINTR))
            return false;
    }
}

/* A line of what came, without its end; false: it is not whole yet. */
static bool take_line(struct demo_link *link, struct bytes *line)
{
    const uint8_t *from = link->in.at + link->read;
    size_t left = link->in.count - link->read;
    const uint8_t *end = left > 0 ? memchr(from, '\n', left) : NULL;
    if (end == NULL)
        return false;
    size_t count = (size_t)(end - from);
    link->read += count + 1;
    *line = bytes_of(from, count > 0 ? count - 1 : 0);
    return true;
}

/* One reply: a line, or a bulk string. */
static bool read_reply(struct demo_link *link, struct bytes *reply)
{
    struct bytes line;
    while (!take_line(link, &line))
        if (!receive_more(link))
            return false;
    if (line.count == 0 || line.at[0] == '-')
        return false;
    int64_t count = 0;
    *reply = bytes_of(line.at + 1, line.count - 1);
    if (line.at[0] != '$' || !number_read_i64(*reply, &count) || count < 0)
        return true;
    while (link->in.count - link->read < (size_t)count + 2)
        if (!receive_more(link))
            return false;
    *reply = bytes_of(link->in.at + link->read, (size_t)count);
    link->read += (size_t)count + 2;
    return true;
}

bool demo_queue(struct demo_link *link, const struct bytes *words, size_t count)
{
    bool good = buffer_printf(&link->out, "*%zu\r\n", count);
    for (size_t at = 0; good && at < count; at++)
        good = buffer_printf(&link->out, "$%zu\r\n", words[at].count) &&
               buffer_append(&link->out, words[at]) && buffer_append(&link->out, BYTES("\r\n"));
    link->queued++;
    return good && (link->queued < DEMO_BATCH_MAX || demo_flush(link));
}

static bool flush_to(struct demo_link *link, struct bytes *last)
{
    uint32_t queued = link->queued;
    link->queued = 0;
    if (!send_all(link))
        return false;
    for (uint32_t at = 0; at < queued; at++)
        if (!read_reply(link, last))
            return false;
    return true;
}

bool demo_flush(struct demo_link *link)
{
    struct bytes last;
    return flush_to(link, &last);
}

bool demo_command(struct demo_link *link, const char *line)
{
    struct bytes words[DEMO_WORDS_MAX];
    size_t count = 0;
    while (*line != '\0' && count < DEMO_WORDS_MAX) {
        size_t length = strcspn(line, " ");
        words[count++] = bytes_of(line, length);
        line += length + (line[length] == ' ');
    }
    return demo_queue(link, words, count) && demo_flush(link);
}

/* --- INFO ------------------------------------------------------------------------------------- */

static struct bytes value_of(struct bytes text, const char *name)
{
    size_t length = strlen(name);
    for (size_t at = 0; at < text.count;) {
        const uint8_t *line = text.at + at;
        const uint8_t *end = memchr(line, '\r', text.count - at);
        size_t count = end != NULL ? (size_t)(end - line) : text.count - at;
        if (count > length && memcmp(line, name, length) == 0 && line[length] == ':')
            return bytes_of(line + length + 1, count - length - 1);
        at += count + 2;
    }
    return bytes_of(NULL, 0);
}

static uint64_t number_of(struct bytes text, const char *name)
{
    uint64_t number = 0;
    return number_read_u64(value_of(text, name), &number) ? number : 0;
}

bool demo_figures(struct demo_link *link, struct demo_figures *figures)
{
    static const struct bytes words[] = { { (const uint8_t *)"INFO", 4 },
                                          { (const uint8_t *)"memory", 6 } };
    struct bytes text;
    if (!demo_queue(link, words, 2) || !flush_to(link, &text))
        return false;
    struct bytes state = value_of(text, "active_defrag_state");
    *figures = (struct demo_figures){
        .resident = number_of(text, "used_memory_rss"),
        .used = number_of(text, "used_memory"),
        .returned = number_of(text, "heap_returned_bytes"),
        .moved = number_of(text, "heap_moved_bytes"),
        .cpu_us = number_of(text, "active_defrag_cpu_us"),
        .slice_max_us = number_of(text, "active_defrag_slice_max_us"),
        .slice_cpu_max_us = number_of(text, "active_defrag_slice_cpu_max_us"),
        .reclaimable = number_of(text, "heap_reclaimable_bytes"),
        .running = bytes_is(state, "running"),
        .at_rest = bytes_is(state, "healed") || bytes_is(state, "nothing-left") ||
                   bytes_is(state, "below-threshold") || bytes_is(state, "below-ignore-bytes"),
    };
    if (!number_read_double(value_of(text, "mem_fragmentation_ratio"), &figures->ratio))
        figures->ratio = 0;
    return true;
}
