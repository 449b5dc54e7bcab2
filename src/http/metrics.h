/* http/metrics.h - an edition as Prometheus and OpenMetrics read it.
 * Model:    a table of rows: a metric's name, type, help and unit, and where its value stands in
 *           the figures; families with labels have a function. /metrics and the reference page come
 *           from it. Names that redis_exporter uses mean what they mean there.
 * Owner:    rows are static; text goes to the caller's buffer.
 * Pointers: none kept.
 * Threads:  the HTTP thread.
 * Failure:  false: no memory.
 * Cost:     some 100 us. */
#ifndef HTTP_METRICS_H
#define HTTP_METRICS_H

#include "observe/published.h"

/* Of this server itself, by its thread. */
struct http_figures {
    uint64_t requests, accepted, closed, denied, unserved;
    uint64_t open;         /* connections now */
    uint64_t unsent_bytes; /* of replies */
};

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_HISTOGRAM, METRIC_SUMMARY };

enum metric_how {
    METRIC_NUMBER, /* the field, times scale */
    METRIC_OK,     /* 1 where the field says "ok", else 0 */
};

struct exposition;

struct metric_row {
    const char *name; /* as in the text format: a counter's ends in _total, or is as elsewhere */
    enum metric_type type;
    const char *help;
    const char *unit; /* "bytes", "seconds"; NULL: none. The name ends in it, or in it and _total */
    const char *source; /* the field of INFO or of our own figures; for people where `put` is set */
    double scale;       /* 0: 1 */
    enum metric_how how;
    void (*put)(struct exposition *exposition, const struct metric_row *row);
};

size_t metrics_count(void);
const struct metric_row *metrics_at(size_t index);

enum metrics_format { METRICS_TEXT, METRICS_OPEN };
MUST_CHECK bool metrics_write(const struct edition *edition, const struct http_figures *figures,
                              uint64_t now_ns, enum metrics_format format, struct buffer *text);
/* By the request's header Accept; NULL: there is none. */
enum metrics_format metrics_format_for(const char *accept);
const char *metrics_content_type(enum metrics_format format);

#endif
