/* The longest common subsequence beside a plain recursion with a table. */
#include "base/rng.h"
#include "cmd/string_lcs.h"
#include "harness.h"

enum { LENGTH_MAX = 40, ROUNDS = 3000 };

static uint32_t slow_table[LENGTH_MAX + 1][LENGTH_MAX + 1];

static uint32_t slow_length(struct bytes a, struct bytes b)
{
    memset(slow_table, 0, sizeof slow_table);
    for (size_t i = a.count; i-- > 0;) {
        for (size_t j = b.count; j-- > 0;) {
            uint32_t skip_a = slow_table[i + 1][j], skip_b = slow_table[i][j + 1];
            slow_table[i][j] = a.at[i] == b.at[j] ? slow_table[i + 1][j + 1] + 1
                               : skip_a > skip_b  ? skip_a
                                                  : skip_b;
        }
    }
    return slow_table[0][0];
}

static struct bytes random_text(struct rng *rng, uint8_t *at)
{
    size_t count = rng_below(rng, LENGTH_MAX + 1);
    unsigned letters = 1 + (unsigned)rng_below(rng, 5);
    for (size_t i = 0; i < count; i++)
        at[i] = (uint8_t)('a' + rng_below(rng, letters));
    return bytes_of(at, count);
}

/* Matches come from the back, each a longest run, none overlapping the one before. */
static void check_walk(const struct lcs *lcs)
{
    struct lcs_walk walk = lcs_walk(lcs);
    struct lcs_match match, later = { (uint32_t)lcs->a.count, (uint32_t)lcs->b.count, 0 };
    uint32_t sum = 0;
    while (lcs_next(&walk, &match)) {
        CHECK(match.a + match.count <= later.a && match.b + match.count <= later.b);
        CHECK_BYTES(bytes_of(lcs->a.at + match.a, match.count),
                    bytes_of(lcs->b.at + match.b, match.count));
        sum += match.count;
        later = match;
    }
    CHECK_EQ(sum, lcs_length(lcs));
}

TEST(lcs_beside_a_table)
{
    struct rng rng;
    struct arena arena;
    rng_init(&rng, test_seed());
    arena_init(&arena);
    uint8_t a_at[LENGTH_MAX], b_at[LENGTH_MAX];
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct bytes a = random_text(&rng, a_at), b = random_text(&rng, b_at);
        struct lcs lcs;
        CHECK_EQ(lcs_init(&lcs, &arena, a, b, false), ERR_NONE);
        CHECK_EQ(lcs_length(&lcs), slow_length(a, b));
        check_walk(&lcs);
        CHECK_EQ(lcs_init(&lcs, &arena, a, b, true), ERR_NONE);
        CHECK_EQ(lcs_length(&lcs), slow_length(a, b));
        arena_reset(&arena);
    }
    arena_release(&arena);
}
