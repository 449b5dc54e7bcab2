/* The commands on places as rows. */
#include "cmd/geo_command.h"

/* ---- arguments --------------------------------------------------------------------------------
 */

static const struct command_arg args_unit[] = {
    { .name = "m", .type = ARG_PURE_TOKEN, .token = "M" },
    { .name = "km", .type = ARG_PURE_TOKEN, .token = "KM" },
    { .name = "ft", .type = ARG_PURE_TOKEN, .token = "FT" },
    { .name = "mi", .type = ARG_PURE_TOKEN, .token = "MI" },
    { .name = NULL },
};

static const struct command_arg args_order[] = {
    { .name = "asc", .type = ARG_PURE_TOKEN, .token = "ASC" },
    { .name = "desc", .type = ARG_PURE_TOKEN, .token = "DESC" },
    { .name = NULL },
};

static const struct command_arg args_store[] = {
    { .name = "storekey", .type = ARG_KEY, .token = "STORE", .key_spec = 1 },
    { .name = "storedistkey", .type = ARG_KEY, .token = "STOREDIST", .key_spec = 2 },
    { .name = NULL },
};

static const struct command_arg args_count[] = {
    { .name = "count", .type = ARG_INTEGER, .token = "COUNT" },
    { .name = "any", .type = ARG_PURE_TOKEN, .token = "ANY", .flags = ARG_OPTIONAL },
    { .name = NULL },
};

static const struct command_arg args_count_since[] = {
    { .name = "count", .type = ARG_INTEGER, .token = "COUNT" },
    { .name = "any",
      .type = ARG_PURE_TOKEN,
      .token = "ANY",
      .flags = ARG_OPTIONAL,
      .since = "6.2.0" },
    { .name = NULL },
};

static const struct command_arg args_condition[] = {
    { .name = "nx", .type = ARG_PURE_TOKEN, .token = "NX" },
    { .name = "xx", .type = ARG_PURE_TOKEN, .token = "XX" },
    { .name = NULL },
};

static const struct command_arg args_place[] = {
    { .name = "longitude", .type = ARG_DOUBLE },
    { .name = "latitude", .type = ARG_DOUBLE },
    { .name = "member", .type = ARG_STRING },
    { .name = NULL },
};

static const struct command_arg args_point[] = {
    { .name = "longitude", .type = ARG_DOUBLE },
    { .name = "latitude", .type = ARG_DOUBLE },
    { .name = NULL },
};

static const struct command_arg args_from[] = {
    { .name = "member", .type = ARG_STRING, .token = "FROMMEMBER" },
    { .name = "fromlonlat", .type = ARG_BLOCK, .token = "FROMLONLAT", .parts = args_point },
    { .name = NULL },
};

static const struct command_arg args_circle[] = {
    { .name = "radius", .type = ARG_DOUBLE, .token = "BYRADIUS" },
    { .name = "unit", .type = ARG_ONE_OF, .parts = args_unit },
    { .name = NULL },
};

static const struct command_arg args_box[] = {
    { .name = "width", .type = ARG_DOUBLE, .token = "BYBOX" },
    { .name = "height", .type = ARG_DOUBLE },
    { .name = "unit", .type = ARG_ONE_OF, .parts = args_unit },
    { .name = NULL },
};

static const struct command_arg args_by[] = {
    { .name = "circle", .type = ARG_BLOCK, .parts = args_circle },
    { .name = "box", .type = ARG_BLOCK, .parts = args_box },
    { .name = NULL },
};

static const struct command_arg args_geoadd[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "condition",
      .type = ARG_ONE_OF,
      .flags = ARG_OPTIONAL,
      .since = "6.2.0",
      .parts = args_condition },
    { .name = "change",
      .type = ARG_PURE_TOKEN,
      .token = "CH",
      .flags = ARG_OPTIONAL,
      .since = "6.2.0" },
    { .name = "data", .type = ARG_BLOCK, .flags = ARG_MULTIPLE, .parts = args_place },
    { .name = NULL },
};

static const struct command_arg args_geodist[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "member1", .type = ARG_STRING },
    { .name = "member2", .type = ARG_STRING },
    { .name = "unit", .type = ARG_ONE_OF, .flags = ARG_OPTIONAL, .parts = args_unit },
    { .name = NULL },
};

static const struct command_arg args_members[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "member", .type = ARG_STRING, .flags = ARG_OPTIONAL | ARG_MULTIPLE },
    { .name = NULL },
};

/* What every search may ask for. */
#define ARGS_WITH                                                                                  \
    { .name = "withcoord", .type = ARG_PURE_TOKEN, .token = "WITHCOORD", .flags = ARG_OPTIONAL },  \
        { .name = "withdist",                                                                      \
          .type = ARG_PURE_TOKEN,                                                                  \
          .token = "WITHDIST",                                                                     \
          .flags = ARG_OPTIONAL },                                                                 \
    {                                                                                              \
        .name = "withhash", .type = ARG_PURE_TOKEN, .token = "WITHHASH", .flags = ARG_OPTIONAL     \
    }
#define ARGS_ORDER                                                                                 \
    {                                                                                              \
        .name = "order", .type = ARG_ONE_OF, .flags = ARG_OPTIONAL, .parts = args_order            \
    }
#define ARGS_COUNT(of)                                                                             \
    {                                                                                              \
        .name = "count-block", .type = ARG_BLOCK, .flags = ARG_OPTIONAL, .parts = (of)             \
    }
#define ARGS_STORE                                                                                 \
    {                                                                                              \
        .name = "store", .type = ARG_ONE_OF, .flags = ARG_OPTIONAL, .parts = args_store            \
    }
#define ARGS_RADIUS                                                                                \
    { .name = "radius", .type = ARG_DOUBLE },                                                      \
    {                                                                                              \
        .name = "unit", .type = ARG_ONE_OF, .parts = args_unit                                     \
    }

static const struct command_arg args_geosearch[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "from", .type = ARG_ONE_OF, .parts = args_from },
    { .name = "by", .type = ARG_ONE_OF, .parts = args_by },
    ARGS_ORDER,
    ARGS_COUNT(args_count),
    ARGS_WITH,
    { .name = NULL },
};

static const struct command_arg args_geosearchstore[] = {
    { .name = "destination", .type = ARG_KEY },
    { .name = "source", .type = ARG_KEY, .key_spec = 1 },
    { .name = "from", .type = ARG_ONE_OF, .parts = args_from },
    { .name = "by", .type = ARG_ONE_OF, .parts = args_by },
    ARGS_ORDER,
    ARGS_COUNT(args_count),
    { .name = "storedist", .type = ARG_PURE_TOKEN, .token = "STOREDIST", .flags = ARG_OPTIONAL },
    { .name = NULL },
};

static const struct command_arg args_georadius[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "longitude", .type = ARG_DOUBLE },
    { .name = "latitude", .type = ARG_DOUBLE },
    ARGS_RADIUS,
    ARGS_WITH,
    ARGS_COUNT(args_count_since),
    ARGS_ORDER,
    ARGS_STORE,
    { .name = NULL },
};

static const struct command_arg args_georadius_ro[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "longitude", .type = ARG_DOUBLE },
    { .name = "latitude", .type = ARG_DOUBLE },
    ARGS_RADIUS,
    ARGS_WITH,
    ARGS_COUNT(args_count_since),
    ARGS_ORDER,
    { .name = NULL },
};

static const struct command_arg args_georadiusbymember[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "member", .type = ARG_STRING },
    ARGS_RADIUS,
    ARGS_WITH,
    ARGS_COUNT(args_count),
    ARGS_ORDER,
    ARGS_STORE,
    { .name = NULL },
};

static const struct command_arg args_georadiusbymember_ro[] = {
    { .name = "key", .type = ARG_KEY },
    { .name = "member", .type = ARG_STRING },
    ARGS_RADIUS,
    ARGS_WITH,
    ARGS_COUNT(args_count),
    ARGS_ORDER,
    { .name = NULL },
};

/* ---- history ----------------------------------------------------------------------------------
 */

static const char *const history_geoadd[] = { "6.2.0", "CH, NX and XX.", NULL };
static const char *const history_units[] = { "7.0.0", "Units in capitals.", NULL };
static const char *const history_any[] = { "6.2.0", "ANY, to be said with COUNT.", NULL };
static const char *const history_any_units[] = { "6.2.0", "ANY, to be said with COUNT.", "7.0.0",
                                                 "Units in capitals.", NULL };

/* ---- rows -------------------------------------------------------------------------------------
 */

/* Where STORE and STOREDIST stand depends on the options. */
#define STORE_KEYS(from)                                                                           \
    { .flags = KEY_OW | KEY_UPDATE,                                                                \
      .begin = KEYS_AT_KEYWORD,                                                                    \
      .keyword = "STORE",                                                                          \
      .index = (from),                                                                             \
      .step = 1 },                                                                                 \
    {                                                                                              \
        .flags = KEY_OW | KEY_UPDATE, .begin = KEYS_AT_KEYWORD, .keyword = "STOREDIST",            \
        .index = (from), .step = 1                                                                 \
    }
#define SOURCE_KEY                                                                                 \
    {                                                                                              \
        .flags = KEY_RO | KEY_ACCESS, .begin = KEYS_AT_INDEX, .index = 1, .step = 1                \
    }

#define SEARCH_COST                                                                                \
    "O(N + log(M)) of the N places in the cells around the area, and the M in the key"

const struct command geo_commands[] = {
    { .name = "geoadd",
      .run = cmd_geoadd,
      .arity = -5,
      .group = GROUP_GEO,
      .flags = CMD_WRITE | CMD_DENYOOM,
      .acl = ACL_GEO,
      .keys = { { .flags = KEY_RW | KEY_UPDATE, .begin = KEYS_AT_INDEX, .index = 1, .step = 1 } },
      .since = "3.2.0",
      .cost = "O(log(N)) for each place",
      .summary = "Puts members at places given by longitude and latitude.",
      .history = history_geoadd,
      .args = args_geoadd },
    { .name = "geodist",
      .run = cmd_geodist,
      .arity = -4,
      .group = GROUP_GEO,
      .flags = CMD_READ,
      .acl = ACL_GEO,
      .keys = { SOURCE_KEY },
      .since = "3.2.0",
      .cost = "O(1)",
      .summary = "How far two members are apart.",
      .args = args_geodist },
    { .name = "geohash",
      .run = cmd_geohash,
      .arity = -2,
      .group = GROUP_GEO,
      .flags = CMD_READ,
      .acl = ACL_GEO,
      .keys = { SOURCE_KEY },
      .since = "3.2.0",
      .cost = "O(1) for each member",
      .summary = "The places of members as geohash strings of 11 letters.",
      .args = args_members },
    { .name = "geopos",
      .run = cmd_geopos,
      .arity = -2,
      .group = GROUP_GEO,
      .flags = CMD_READ,
      .acl = ACL_GEO,
      .keys = { SOURCE_KEY },
      .since = "3.2.0",
      .cost = "O(1) for each member",
      .summary = "Longitude and latitude of members.",
      .args = args_members },
    { .name = "georadius",
      .run = cmd_georadius,
      .arity = -6,
      .group = GROUP_GEO,
      .flags = CMD_WRITE | CMD_DENYOOM | CMD_MOVABLE_KEYS,
      .acl = ACL_GEO,
      .keys = { SOURCE_KEY, STORE_KEYS(6) },
      .find_keys = find_keys_of_georadius,
      .since = "3.2.0",
      .cost = SEARCH_COST,
      .summary = "Members within a distance of a place; may store them.",
      .deprecated_since = "6.2.0",
      .replaced_by = "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
      .history = history_any_units,
      .args = args_georadius },
    { .name = "georadius_ro",
      .run = cmd_georadius_ro,
      .arity = -6,
      .group = GROUP_GEO,
      .flags = CMD_READ,
      .acl = ACL_GEO,
      .keys = { SOURCE_KEY },
      .since = "3.2.10",
      .cost = SEARCH_COST,
      .summary = "Members within a distance of a place.",
      .deprecated_since = "6.2.0",
      .replaced_by = "`GEOSEARCH` with the `BYRADIUS` argument",
      .history = history_any,
      .args = args_georadius_ro },
    { .name = "georadiusbymember",
      .run = cmd_georadiusbymember,
      .arity = -5,
      .group = GROUP_GEO,
      .flags = CMD_WRITE | CMD_DENYOOM | CMD_MOVABLE_KEYS,
      .acl = ACL_GEO,
      .keys = { SOURCE_KEY, STORE_KEYS(5) },
      .find_keys = find_keys_of_georadiusbymember,
      .since = "3.2.0",
      .cost = SEARCH_COST,
      .summary = "Members within a distance of a member; may store them.",
      .deprecated_since = "6.2.0",
      .replaced_by =
          "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
      .history = history_units,
      .args = args_georadiusbymember },
    { .name = "georadiusbymember_ro",
      .run = cmd_georadiusbymember_ro,
      .arity = -5,
      .group = GROUP_GEO,
      .flags = CMD_READ,
      .acl = ACL_GEO,
      .keys = { SOURCE_KEY },
      .since = "3.2.10",
      .cost = SEARCH_COST,
      .summary = "Members within a distance of a member.",
      .deprecated_since = "6.2.0",
      .replaced_by = "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
      .args = args_georadiusbymember_ro },
    { .name = "geosearch",
      .run = cmd_geosearch,
      .arity = -7,
      .group = GROUP_GEO,
      .flags = CMD_READ,
      .acl = ACL_GEO,
      .keys = { SOURCE_KEY },
      .since = "6.2.0",
      .cost = SEARCH_COST,
      .summary = "Members in a circle or a box around a place or a member.",
      .history = history_units,
      .args = args_geosearch },
    { .name = "geosearchstore",
      .run = cmd_geosearchstore,
      .arity = -8,
      .group = GROUP_GEO,
      .flags = CMD_WRITE | CMD_DENYOOM,
      .acl = ACL_GEO,
      .keys = { { .flags = KEY_OW | KEY_UPDATE, .begin = KEYS_AT_INDEX, .index = 1, .step = 1 },
                { .flags = KEY_RO | KEY_ACCESS, .begin = KEYS_AT_INDEX, .index = 2, .step = 1 } },
      .since = "6.2.0",
      .cost = SEARCH_COST,
      .summary = "Stores the members in a circle or a box in another key.",
      .history = history_units,
      .args = args_geosearchstore },
    { .name = NULL },
};
