/* http/metrics_rows.h - the rows of metrics with labels are written by these functions.
 * Model:    each writes the samples of one family; its head is written with the first.
 * Owner:    see metrics.h.
 * Pointers: none kept.
 * Threads:  the HTTP thread.
 * Failure:  exposition->writer.failed.
 * Cost:     a walk over what the family is about. */
#ifndef HTTP_METRICS_ROWS_H
#define HTTP_METRICS_ROWS_H

#include "http/figures.h"
#include "http/metrics.h"
#include "http/writer.h"

struct exposition {
    const struct edition *edition;
    const struct http_figures *http;
    uint64_t now_ns;
    enum metrics_format format;
    struct figures figures;
    struct writer writer;
    const struct metric_row *headed; /* the family whose head stands already */
};

/* `suffix`: what is added to the name ("_bucket"); `labels`: as they stand between the braces, or
 * "". The family's head is written before its first sample. */
void exposition_sample(struct exposition *exposition, const struct metric_row *row,
                       const char *suffix, const char *labels, double value);
/* A label's value with its escapes, cut to fit. */
enum { LABEL_MAX = 512 };
void exposition_escape(struct bytes text, char escaped[LABEL_MAX]);

extern const struct metric_row metrics_rows[];
extern const size_t metrics_rows_count;

/* metrics_families.c */
void put_up(struct exposition *exposition, const struct metric_row *row);
void put_instance(struct exposition *exposition, const struct metric_row *row);
void put_start_time(struct exposition *exposition, const struct metric_row *row);
void put_keyspace(struct exposition *exposition, const struct metric_row *row);
void put_resident(struct exposition *exposition, const struct metric_row *row);
void put_errors(struct exposition *exposition, const struct metric_row *row);
void put_command_calls(struct exposition *exposition, const struct metric_row *row);
void put_command_seconds(struct exposition *exposition, const struct metric_row *row);
void put_command_rejected(struct exposition *exposition, const struct metric_row *row);
void put_command_failed(struct exposition *exposition, const struct metric_row *row);
void put_command_latencies(struct exposition *exposition, const struct metric_row *row);
void put_percentiles(struct exposition *exposition, const struct metric_row *row);
void put_kind_allocated(struct exposition *exposition, const struct metric_row *row);
void put_kind_active(struct exposition *exposition, const struct metric_row *row);
void put_kind_reclaimable(struct exposition *exposition, const struct metric_row *row);
void put_kind_spans(struct exposition *exposition, const struct metric_row *row);
void put_slices(struct exposition *exposition, const struct metric_row *row);
void put_mover_reason(struct exposition *exposition, const struct metric_row *row);
void put_http_requests(struct exposition *exposition, const struct metric_row *row);
void put_http_connections(struct exposition *exposition, const struct metric_row *row);
void put_http_denied(struct exposition *exposition, const struct metric_row *row);
void put_http_closed(struct exposition *exposition, const struct metric_row *row);
void put_edition_age(struct exposition *exposition, const struct metric_row *row);
void put_edition_piece(struct exposition *exposition, const struct metric_row *row);
void put_edition_cost(struct exposition *exposition, const struct metric_row *row);

#endif
