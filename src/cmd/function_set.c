#include "cmd/function_set.h"

#include "base/memory.h"

/* --- one library ------------------------------------------------------------------------------ */

struct function_library *function_library_new(struct bytes name, struct bytes source)
{
    struct function_library *library = memory_take_zeroed(sizeof *library);
    uint8_t *text = memory_take(name.count + source.count + 1);
    if (library == NULL || text == NULL) {
        memory_give(library);
        memory_give(text);
        return NULL;
    }
    memcpy(text, name.at, name.count);
    memcpy(text + name.count, source.at, source.count);
    library->name = bytes_of(text, name.count);
    library->source = bytes_of(text + name.count, source.count);
    library->held = memory_usable(library) + memory_usable(text);
    return library;
}

static struct function *make_function(const struct script_function *from)
{
    struct function *function =
        memory_take(sizeof *function + from->name.count + from->description.count);
    if (function == NULL)
        return NULL;
    uint8_t *text = (uint8_t *)(function + 1);
    *function = (struct function){ .flags = from->flags, .number = from->function };
    memcpy(text, from->name.at, from->name.count);
    function->name = bytes_of(text, from->name.count);
    if (from->description.at != NULL) {
        text += from->name.count;
        memcpy(text, from->description.at, from->description.count);
        function->description = bytes_of(text, from->description.count);
    }
    function->held = memory_usable(function);
    return function;
}

/* An array of pointers with room for `more`. */
static bool reserve(void *array, uint32_t count, uint32_t *capacity, uint32_t more)
{
    void **pointers;
    if (more <= *capacity - count)
        return true;
    if (more > UINT32_MAX / 2 / sizeof *pointers - count)
        return false;
    uint32_t wanted = (count + more) * 2;
    memcpy(&pointers, array, sizeof pointers);
    pointers = memory_resize(pointers, wanted * sizeof *pointers);
    if (pointers == NULL)
        return false;
    memcpy(array, &pointers, sizeof pointers);
    *capacity = wanted;
    return true;
}

bool function_library_add(struct function_library *library, const struct script_function *from)
{
    if (!reserve(&library->functions, library->count, &library->capacity, 1))
        return false;
    struct function *function = make_function(from);
    if (function == NULL)
        return false;
    function->library = library;
    library->functions[library->count++] = function;
    library->held += function->held;
    return true;
}

bool function_library_has(const struct function_library *library, struct bytes name)
{
    for (uint32_t i = 0; i < library->count; i++)
        if (bytes_equal_nocase(library->functions[i]->name, name))
            return true;
    return false;
}

void function_library_drop(struct function_library *library, struct script_engine *engine)
{
    if (library == NULL)
        return;
    for (uint32_t i = 0; i < library->count; i++) {
        if (engine != NULL)
            script_forget(engine, library->functions[i]->number);
        memory_give(library->functions[i]);
    }
    memory_give(library->functions);
    memory_give((void *)(uintptr_t)library->name.at);
    memory_give(library);
}

/* --- the set ---------------------------------------------------------------------------------- */

/* Where the name stands, or would. */
static uint32_t place_of_library(const struct function_set *set, struct bytes name)
{
    uint32_t low = 0, high = set->library_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (bytes_compare(set->libraries[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

static int compare_nocase(struct bytes a, struct bytes b)
{
    size_t count = a.count < b.count ? a.count : b.count;
    for (size_t i = 0; i < count; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return lower(a.at[i]) < lower(b.at[i]) ? -1 : 1;
    return (a.count > b.count) - (a.count < b.count);
}

static uint32_t place_of_function(const struct function_set *set, struct bytes name)
{
    uint32_t low = 0, high = set->function_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_nocase(set->functions[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct function_library *function_set_library(const struct function_set *set, struct bytes name)
{
    uint32_t at = place_of_library(set, name);
    bool found = at < set->library_count && bytes_equal(set->libraries[at]->name, name);
    return found ? set->libraries[at] : NULL;
}

struct function *function_set_find(const struct function_set *set, struct bytes name)
{
    uint32_t at = place_of_function(set, name);
    bool found = at < set->function_count && bytes_equal_nocase(set->functions[at]->name, name);
    return found ? set->functions[at] : NULL;
}

const struct function *function_set_clash(const struct function_set *set,
                                          const struct function_library *library)
{
    for (uint32_t i = 0; i < library->count; i++)
        if (function_set_find(set, library->functions[i]->name) != NULL)
            return library->functions[i];
    return NULL;
}

bool function_set_reserve(struct function_set *set, uint32_t libraries, uint32_t functions)
{
    return reserve(&set->libraries, set->library_count, &set->library_capacity, libraries) &&
           reserve(&set->functions, set->function_count, &set->function_capacity, functions);
}

void function_set_put(struct function_set *set, struct function_library *library)
{
    ENSURE(set->library_count < set->library_capacity);
    ENSURE(library->count <= set->function_capacity - set->function_count);
    uint32_t at = place_of_library(set, library->name);
    memmove(set->libraries + at + 1, set->libraries + at,
            (set->library_count - at) * sizeof *set->libraries);
    set->libraries[at] = library;
    set->library_count++;
    for (uint32_t i = 0; i < library->count; i++) {
        at = place_of_function(set, library->functions[i]->name);
        memmove(set->functions + at + 1, set->functions + at,
                (set->function_count - at) * sizeof *set->functions);
        set->functions[at] = library->functions[i];
        set->function_count++;
    }
}

void function_set_take(struct function_set *set, const struct function_library *library)
{
    uint32_t at = place_of_library(set, library->name), kept = 0;
    ENSURE(at < set->library_count && set->libraries[at] == library);
    set->library_count--;
    memmove(set->libraries + at, set->libraries + at + 1,
            (set->library_count - at) * sizeof *set->libraries);
    for (uint32_t i = 0; i < set->function_count; i++)
        if (set->functions[i]->library != library)
            set->functions[kept++] = set->functions[i];
    set->function_count = kept;
}

void function_set_release(struct function_set *set, struct script_engine *engine)
{
    for (uint32_t i = 0; i < set->library_count; i++)
        function_library_drop(set->libraries[i], engine);
    memory_give(set->libraries);
    memory_give(set->functions);
    *set = (struct function_set){ 0 };
}

uint64_t function_set_bytes(const struct function_set *set)
{
    uint64_t bytes = (uint64_t)set->library_capacity * sizeof *set->libraries +
                     (uint64_t)set->function_capacity * sizeof *set->functions;
    for (uint32_t i = 0; i < set->library_count; i++)
        bytes += set->libraries[i]->held + set->libraries[i]->capacity * sizeof(void *);
    return bytes;
}
