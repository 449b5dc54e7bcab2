/* cmd/geo_command.h - the commands on places, for their rows, and what they share.
 * Model:    places are members of a sorted set whose scores are geohashes (types/geo.h).
 * Owner:    nobody.
 * Pointers: as cmd/command.h.
 * Threads:  the executing thread.
 * Failure:  an error reply, and nothing has changed.
 * Cost:     as each row says. */
#ifndef CMD_GEO_COMMAND_H
#define CMD_GEO_COMMAND_H

#include "cmd/zset_command.h"
#include "types/geo.h"

void cmd_geoadd(struct call *call);
void cmd_geodist(struct call *call);
void cmd_geohash(struct call *call);
void cmd_geopos(struct call *call);
void cmd_georadius(struct call *call);
void cmd_georadius_ro(struct call *call);
void cmd_georadiusbymember(struct call *call);
void cmd_georadiusbymember_ro(struct call *call);
void cmd_geosearch(struct call *call);
void cmd_geosearchstore(struct call *call);

/* --- shared ------------------------------------------------------------------------------------
 */

/* Longitude and latitude from two arguments, or the error. */
MUST_CHECK bool geo_read_point(struct call *call, uint32_t at, struct geo_point *point);
/* "m", "km", "ft", "mi" as metres, or the error. */
MUST_CHECK bool geo_read_unit(struct call *call, uint32_t at, double *unit_m);
/* Four digits behind the point, as a bulk string. */
void geo_reply_distance(struct call *call, double distance);
/* An array of longitude and latitude, up to 17 digits behind the point. */
void geo_reply_point(struct call *call, struct geo_point point);

/* ---- searches: geo_options.c reads one, geo_search.c runs it -----------------------------------
 */

enum geo_form {
    GEO_FROM_POINT,  /* GEORADIUS */
    GEO_FROM_MEMBER, /* GEORADIUSBYMEMBER */
    GEO_FROM_OPTION, /* GEOSEARCH */
};

struct geo_search {
    enum geo_form form;
    bool may_store; /* GEORADIUS, not GEORADIUS_RO; GEOSEARCHSTORE */
    bool exists;    /* there is a source key */
    struct zset zset;

    struct geo_area area;
    bool with_distance, with_hash, with_point;
    enum { GEO_UNSORTED, GEO_NEAREST, GEO_FARTHEST } order;
    bool any;             /* the first found will do */
    int64_t count;        /* at most; 0: all */
    uint32_t store_at;    /* argv index of the key to store to; 0: none */
    bool store_distances; /* as scores, in the unit */
};

/* Of several STORE and STOREDIST the last one counts: all of them are keys. */
int find_keys_of_georadius(const struct bytes *argv, uint32_t argc, struct key_at *keys,
                           uint32_t most);
int find_keys_of_georadiusbymember(const struct bytes *argv, uint32_t argc, struct key_at *keys,
                                   uint32_t most);

/* All options; false: the error is written. */
MUST_CHECK bool geo_read_search(struct call *call, struct geo_search *search);

#endif
