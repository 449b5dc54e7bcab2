/* Libraries of functions by name, beside a plain list of both. */
#include "harness.h"

#include "base/rng.h"
#include "cmd/function_set.h"

#include <stdio.h>

enum { NAMES = 12, STEPS = 3000 };

/* Which library has a function, by the numbers of their names; -1: none. */
struct model {
    int library_of[NAMES];
    bool there[NAMES];
};

static struct bytes name_of(char *text, char kind, unsigned number)
{
    int count = snprintf(text, 16, "%c%u", kind, number);
    return bytes_of(text, (size_t)count);
}

static struct function_library *draw(struct rng *rng, unsigned number)
{
    char text[16];
    struct function_library *library =
        function_library_new(name_of(text, 'l', number), BYTES("#!lua name=l\n"));
    CHECK(library != NULL);
    for (unsigned i = 0; i < NAMES; i++) {
        if (rng_below(rng, 4) != 0)
            continue;
        struct script_function function = { .name = name_of(text, 'f', i), .flags = i };
        if (i % 2 == 0)
            function.description = BYTES("what it does");
        CHECK(function_library_add(library, &function));
        CHECK(function_library_has(library, function.name));
    }
    return library;
}

static void check_model(const struct function_set *set, const struct model *model)
{
    char text[16];
    uint32_t libraries = 0, functions = 0;
    for (unsigned i = 0; i < NAMES; i++) {
        CHECK_EQ(function_set_library(set, name_of(text, 'l', i)) != NULL, model->there[i]);
        const struct function *function = function_set_find(set, name_of(text, 'f', i));
        CHECK_EQ(function != NULL, model->library_of[i] >= 0);
        libraries += model->there[i];
        functions += function != NULL;
        if (function == NULL)
            continue;
        CHECK_EQ(function->flags, i);
        CHECK_EQ(function->description.at != NULL, i % 2 == 0);
        CHECK_BYTES(function->library->name, name_of(text, 'l', (unsigned)model->library_of[i]));
    }
    CHECK_EQ(set->library_count, libraries);
    CHECK_EQ(set->function_count, functions);
}

static void put(struct function_set *set, struct model *model, struct rng *rng, unsigned number)
{
    char text[16];
    struct function_library *library = draw(rng, number);
    const struct function *clash = function_set_clash(set, library);
    CHECK(function_set_reserve(set, 1, library->count));
    for (unsigned i = 0; i < NAMES; i++)
        if (function_library_has(library, name_of(text, 'f', i)) && model->library_of[i] >= 0)
            CHECK(clash != NULL);
    if (clash != NULL) {
        function_library_drop(library, NULL);
        return;
    }
    function_set_put(set, library);
    model->there[number] = true;
    for (unsigned i = 0; i < NAMES; i++)
        if (function_library_has(library, name_of(text, 'f', i)))
            model->library_of[i] = (int)number;
}

static void take(struct function_set *set, struct model *model, unsigned number)
{
    char text[16];
    struct function_library *library = function_set_library(set, name_of(text, 'l', number));
    function_set_take(set, library);
    function_library_drop(library, NULL);
    model->there[number] = false;
    for (unsigned i = 0; i < NAMES; i++)
        if (model->library_of[i] == (int)number)
            model->library_of[i] = -1;
}

TEST(function_set_is_as_a_list)
{
    struct function_set set = { 0 };
    struct model model;
    struct rng rng;
    rng_init(&rng, test_seed());
    for (unsigned i = 0; i < NAMES; i++) {
        model.library_of[i] = -1;
        model.there[i] = false;
    }
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned number = (unsigned)rng_below(&rng, NAMES);
        if (model.there[number])
            take(&set, &model, number);
        else
            put(&set, &model, &rng, number);
        check_model(&set, &model);
    }
    CHECK(function_set_bytes(&set) > 0);
    function_set_release(&set, NULL);
    CHECK_EQ(set.library_count, 0);
}
