#include "http/metrics.h"

#include "base/number.h"
#include "http/metrics_rows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

size_t metrics_count(void)
{
    return metrics_rows_count;
}

const struct metric_row *metrics_at(size_t index)
{
    return &metrics_rows[index];
}

static bool ends_in(const char *name, const char *end)
{
    size_t count = strlen(name), more = strlen(end);
    return count > more && strcmp(name + count - more, end) == 0;
}

/* OpenMetrics asks of a counter that its sample ends in _total, and names the family without. The
 * counters of redis_exporter that do not end so are of no known type there. */
static const char *type_word(const struct metric_row *row, enum metrics_format format)
{
    static const char *const words[] = { [METRIC_GAUGE] = "gauge",
                                         [METRIC_COUNTER] = "counter",
                                         [METRIC_HISTOGRAM] = "histogram",
                                         [METRIC_SUMMARY] = "summary" };
    bool total = ends_in(row->name, "_total");
    if (format == METRICS_OPEN && (row->type == METRIC_COUNTER) != total &&
        row->type != METRIC_HISTOGRAM && (row->type == METRIC_COUNTER || total))
        return "unknown";
    return words[row->type];
}

static void head(struct exposition *exposition, const struct metric_row *row)
{
    const char *type = type_word(row, exposition->format);
    int count = (int)strlen(row->name);
    if (exposition->format == METRICS_OPEN && strcmp(type, "counter") == 0)
        count -= (int)strlen("_total");
    writer_put(&exposition->writer, "# HELP %.*s %s\n# TYPE %.*s %s\n", count, row->name, row->help,
               count, row->name, type);
    if (exposition->format == METRICS_OPEN && row->unit != NULL)
        writer_put(&exposition->writer, "# UNIT %.*s %s\n", count, row->name, row->unit);
    exposition->headed = row;
}

void exposition_sample(struct exposition *exposition, const struct metric_row *row,
                       const char *suffix, const char *labels, double value)
{
    uint8_t number[NUMBER_DOUBLE_MAX];
    if (exposition->headed != row)
        head(exposition, row);
    size_t count = number_write_double(number, value);
    if (isinf(value))
        count = (size_t)snprintf((char *)number, sizeof number, value > 0 ? "+Inf" : "-Inf");
    bool bare = *labels == 0;
    writer_put(&exposition->writer, "%s%s%s%s%s %.*s\n", row->name, suffix, bare ? "" : "{", labels,
               bare ? "" : "}", (int)count, (const char *)number);
}

void exposition_escape(struct bytes text, char escaped[LABEL_MAX])
{
    size_t used = 0;
    for (size_t at = 0; at < text.count && used + 3 < LABEL_MAX; at++) {
        uint8_t byte = text.at[at];
        if (byte == '\\' || byte == '"' || byte == '\n')
            escaped[used++] = '\\';
        escaped[used++] = byte == '\n' ? 'n' : byte < ' ' || byte > '~' ? '?' : (char)byte;
    }
    escaped[used] = 0;
}

static void put_plain(struct exposition *exposition, const struct metric_row *row)
{
    struct figure figure;
    double value;
    if (!figures_find(&exposition->figures, row->source, &figure))
        return;
    if (row->how == METRIC_OK)
        value = bytes_equal(figure.value, BYTES("ok"));
    else if (!figure_number(figure.value, &value))
        return;
    exposition_sample(exposition, row, "", "", row->scale == 0 ? value : value * row->scale);
}

bool metrics_write(const struct edition *edition, const struct http_figures *http, uint64_t now_ns,
                   enum metrics_format format, struct buffer *text)
{
    struct exposition exposition = { .edition = edition,
                                     .http = http,
                                     .now_ns = now_ns,
                                     .format = format,
                                     .figures = { .text = buffer_view(&edition->figures) },
                                     .writer = { .text = text } };
    for (size_t at = 0; at < metrics_rows_count && !exposition.writer.failed; at++) {
        const struct metric_row *row = &metrics_rows[at];
        if (row->put != NULL)
            row->put(&exposition, row);
        else
            put_plain(&exposition, row);
    }
    if (format == METRICS_OPEN)
        writer_put(&exposition.writer, "# EOF\n");
    return !exposition.writer.failed;
}

/* Whoever can read OpenMetrics says so; that they would rather have the other is not looked for. */
enum metrics_format metrics_format_for(const char *accept)
{
    if (accept == NULL || strstr(accept, "application/openmetrics-text") == NULL)
        return METRICS_TEXT;
    return METRICS_OPEN;
}

const char *metrics_content_type(enum metrics_format format)
{
    if (format == METRICS_OPEN)
        return "application/openmetrics-text; version=1.0.0; charset=utf-8";
    return "text/plain; version=0.0.4; charset=utf-8";
}
