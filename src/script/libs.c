#include "script/libs.h"

#include <stddef.h>

const struct script_library script_libraries[] = {
    { "cjson", script_open_cjson },
    { "cmsgpack", script_open_cmsgpack },
    { "struct", script_open_struct },
    { "bit", script_open_bit },
    { NULL, NULL },
};
