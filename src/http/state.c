#include "http/state.h"

#include "base/number.h"
#include "http/figures.h"
#include "http/writer.h"

#include <string.h>

/* --- text ------------------------------------------------------------------------------------- */

/* The bytes of the UTF-8 character in front; 0: it is none, or a control. */
static size_t character(const uint8_t *at, size_t left)
{
    size_t count = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (at[0] < 0x20 || at[0] == 0x7f || (at[0] >= 0x80 && at[0] < 0xc2) || at[0] > 0xf4 ||
        count > left)
        return 0;
    for (size_t i = 1; i < count; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if (count == 2 && at[0] == 0xc2 && at[1] < 0xa0)
        return 0;
    if (count == 3 && ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f)))
        return 0;
    if (count == 4 && ((at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f)))
        return 0;
    return count;
}

/* `raw`: what is no text is shown as \xNN, and a backslash as two; else it is dropped but for line
 * ends. */
static void put_text(struct writer *writer, struct bytes text, bool raw)
{
    writer_put(writer, "\"");
    for (size_t at = 0; at < text.count && !writer->failed;) {
        size_t count = character(text.at + at, text.count - at);
        if (count == 0 && raw)
            writer_put(writer, "\\\\x%02x", text.at[at]);
        else if (count == 0 && text.at[at] == '\n')
            writer_put(writer, "\\n");
        else if (count == 1 && text.at[at] == '\\')
            writer_put(writer, raw ? "\\\\\\\\" : "\\\\");
        else if (count == 1 && text.at[at] == '"')
            writer_put(writer, "\\\"");
        else if (count > 0 && !buffer_append(writer->text, bytes_of(text.at + at, count)))
            writer->failed = true;
        at += count == 0 ? 1 : count;
    }
    writer_put(writer, "\"");
}

/* -?(0|[1-9][0-9]*)(.[0-9]+)?, at most 15 digits, which a number of JavaScript keeps. */
static bool is_number(struct bytes text)
{
    size_t at = text.count > 0 && text.at[0] == '-' ? 1 : 0, digits = 0, points = 0;
    if (at == text.count || (text.at[at] == '0' && at + 1 < text.count && text.at[at + 1] != '.'))
        return false;
    for (size_t i = at; i < text.count; i++) {
        bool digit = text.at[i] >= '0' && text.at[i] <= '9';
        if (!digit && (text.at[i] != '.' || i == at || i + 1 == text.count))
            return false;
        digits += digit;
        points += !digit;
    }
    return points <= 1 && digits <= 15;
}

/* --- the parts -------------------------------------------------------------------------------- */

static void put_figures(struct writer *writer, const struct edition *edition)
{
    struct figures figures = { .text = buffer_view(&edition->figures) };
    struct figure figure;
    struct bytes section = { NULL, 0 };
    writer_put(writer, "\"figures\":{");
    while (figures_next(&figures, &figure)) {
        bool first = section.at == NULL, begins = figure.section.at != section.at;
        if (begins) {
            writer_put(writer, first ? "" : "},");
            put_text(writer, figure.section, false);
            writer_put(writer, ":{");
        } else
            writer_put(writer, ",");
        section = figure.section;
        put_text(writer, figure.name, false);
        writer_put(writer, ":");
        if (!is_number(figure.value))
            put_text(writer, figure.value, false);
        else if (!buffer_append(writer->text, figure.value))
            writer->failed = true;
    }
    writer_put(writer, section.at == NULL ? "}," : "}},");
}

static void put_lane(struct writer *writer, const struct published_lane *lane)
{
    const struct heap_lane_figures *figures = &lane->figures;
    writer_put(
        writer,
        "{\"kind\":%u,\"class\":%u,\"cell_bytes\":%u,\"cells_per_span\":%u,\"span_bytes\":%u,"
        "\"spans\":%u,\"draining\":%u,\"live\":%llu,\"free_cells\":%llu,\"reclaimable\":%llu,"
        "\"move_bytes\":%llu,\"by_occupancy\":[",
        lane->kind, lane->size_class, figures->cell_bytes, figures->cells_per_span,
        figures->span_bytes, figures->spans, figures->draining, wide(figures->live),
        wide(figures->free_cells), wide(figures->reclaimable), wide(figures->move_bytes));
    for (unsigned at = 0; at < HEAP_OCCUPANCY_BINS; at++)
        writer_put(writer, "%s%u", at > 0 ? "," : "", figures->by_occupancy[at]);
    writer_put(writer, "]}");
}

static void put_heap(struct writer *writer, const struct edition *edition)
{
    writer_put(writer, "\"heap\":{\"span_bytes\":%u,\"kinds\":[", (unsigned)HEAP_SPAN_BYTES);
    for (uint32_t at = 0; at < edition->kinds; at++) {
        writer_put(writer, at > 0 ? "," : "");
        put_text(writer, bytes_of_text(edition->kind_names[at]), false);
    }
    writer_put(writer, "],\"classes\":[");
    for (uint32_t at = 0; at < edition->classes; at++)
        writer_put(writer, "%s%u", at > 0 ? "," : "", edition->class_bytes[at]);
    writer_put(writer, "],\"lanes\":[");
    for (size_t at = 0; at + sizeof(struct published_lane) <= edition->lanes.count;
         at += sizeof(struct published_lane)) {
        struct published_lane lane;
        memcpy(&lane, edition->lanes.at + at, sizeof lane);
        writer_put(writer, at > 0 ? "," : "");
        put_lane(writer, &lane);
    }
    writer_put(writer, "]},");
}

static void put_mover(struct writer *writer, const struct slice_histogram *slices)
{
    writer_put(writer, "\"mover\":{\"slice_us\":{\"ceilings\":[");
    for (unsigned at = 0; at < SLICE_CEILINGS; at++)
        writer_put(writer, "%s%u", at > 0 ? "," : "", slice_ceiling_us(at));
    writer_put(writer, "],\"counts\":[");
    for (unsigned at = 0; at < SLICE_CEILINGS; at++)
        writer_put(writer, "%s%llu", at > 0 ? "," : "", wide(slices->counts[at]));
    writer_put(writer, "],\"count\":%llu,\"total_us\":%llu}},", wide(slices->count),
               wide(slices->total_ns / 1000));
}

static void put_commands(struct writer *writer, const struct edition *edition)
{
    writer_put(writer, "\"commands\":[");
    for (size_t at = 0; at + sizeof(struct published_command) <= edition->commands.count;
         at += sizeof(struct published_command)) {
        struct published_command command;
        memcpy(&command, edition->commands.at + at, sizeof command);
        writer_put(
            writer,
            "%s{\"name\":\"%s\",\"calls\":%llu,\"usec\":%llu,\"rejected\":%llu,\"failed\":%llu}",
            at > 0 ? "," : "", command.name, wide(command.calls), wide(command.ns / 1000),
            wide(command.rejected), wide(command.failed));
    }
    writer_put(writer, "],");
}

/* Of all commands together. */
static void put_latency(struct writer *writer, const struct edition *edition)
{
    uint64_t timed = 0, within[PUBLISHED_CEILINGS] = { 0 };
    for (size_t at = 0; at + sizeof(struct published_command) <= edition->commands.count;
         at += sizeof(struct published_command)) {
        struct published_command command;
        memcpy(&command, edition->commands.at + at, sizeof command);
        timed += command.timed;
        for (unsigned ceiling = 0; ceiling < PUBLISHED_CEILINGS; ceiling++)
            within[ceiling] += command.within[ceiling];
    }
    writer_put(writer, "\"latency\":{\"ceilings_us\":[");
    for (unsigned at = 0; at < PUBLISHED_CEILINGS; at++)
        writer_put(writer, "%s%u", at > 0 ? "," : "", edition->ceilings_us[at]);
    writer_put(writer, "],\"within\":[");
    for (unsigned at = 0; at < PUBLISHED_CEILINGS; at++)
        writer_put(writer, "%s%llu", at > 0 ? "," : "", wide(within[at]));
    writer_put(writer, "],\"count\":%llu},", wide(timed));
}

static void put_biggest(struct writer *writer, const struct edition *edition)
{
    writer_put(writer, "\"biggest\":{\"visited\":%llu,\"rounds\":%llu,\"keys\":[",
               wide(edition->biggest_visited), wide(edition->biggest_rounds));
    for (uint32_t at = 0; at < edition->biggest.count; at++) {
        const struct biggest_key *key = &edition->biggest.keys[at];
        bool cut = key->name_bytes > BIGGEST_NAME_MAX;
        writer_put(writer, "%s{\"db\":%u,\"name\":", at > 0 ? "," : "", key->db);
        put_text(writer, bytes_of(key->name, cut ? BIGGEST_NAME_MAX : key->name_bytes), true);
        writer_put(
            writer,
            ",\"cut\":%s,\"name_bytes\":%u,\"type\":\"%s\",\"encoding\":\"%s\",\"elements\":%llu,"
            "\"bytes\":%llu}",
            cut ? "true" : "false", key->name_bytes, key->type, key->encoding, wide(key->elements),
            wide(key->bytes));
    }
    writer_put(writer, "]},");
}

bool state_write(const struct edition *edition, const struct http_figures *http, uint64_t now_ns,
                 struct buffer *text)
{
    struct writer writer = { .text = text };
    uint64_t age_ns = now_ns > edition->made_ns ? now_ns - edition->made_ns : 0;
    writer_put(&writer,
               "{\"edition\":{\"number\":%llu,\"time_ms\":%lld,\"age_ms\":%llu,\"cost_us\":%llu},",
               wide(edition->number), (long long)edition->made_wall_ms, wide(age_ns / 1000000),
               wide(edition->cost_ns / 1000));
    put_figures(&writer, edition);
    put_heap(&writer, edition);
    put_mover(&writer, &edition->slices);
    put_commands(&writer, edition);
    put_latency(&writer, edition);
    writer_put(&writer, "\"doctor\":");
    put_text(&writer, buffer_view(&edition->doctor), false);
    writer_put(&writer, ",");
    put_biggest(&writer, edition);
    writer_put(&writer, "\"http\":{\"requests\":%llu,\"connections\":%llu,\"denied\":%llu}}\n",
               wide(http->requests), wide(http->open), wide(http->denied));
    return !writer.failed;
}
