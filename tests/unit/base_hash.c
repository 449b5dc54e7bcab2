/* SipHash-1-3 beside a model by the letter of its paper, and SHA-1 by its published examples. */
#include "harness.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/rng.h"

static uint64_t rotate(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

static void model_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

/* SipHash-c-d, byte by byte. */
static uint64_t model(int c, int d, const struct hash_seed *seed, struct bytes text)
{
    uint64_t v[4] = { 0x736f6d6570736575, 0x646f72616e646f6d, 0x6c7967656e657261,
                      0x7465646279746573 };
    for (int i = 0; i < 4; i++)
        v[i] ^= i % 2 == 0 ? seed->k0 : seed->k1;
    uint64_t word = 0;
    size_t padded = text.count / 8 * 8 + 8;
    for (size_t i = 0; i < padded; i++) {
        uint64_t byte = i < text.count ? text.at[i] : 0;
        if (i == padded - 1)
            byte = text.count & 255;
        word |= byte << (8 * (i % 8));
        if (i % 8 < 7)
            continue;
        v[3] ^= word;
        for (int round = 0; round < c; round++)
            model_round(v);
        v[0] ^= word;
        word = 0;
    }
    v[2] ^= 0xff;
    for (int round = 0; round < d; round++)
        model_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static const struct hash_seed counting_seed = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

static struct bytes counting_bytes(uint8_t *at, size_t count)
{
    for (size_t i = 0; i < count; i++)
        at[i] = (uint8_t)i;
    return bytes_of(at, count);
}

TEST(siphash_model_gives_the_example_of_the_paper)
{
    uint8_t at[15];
    CHECK_EQ(model(2, 4, &counting_seed, counting_bytes(at, 15)), 0xa129ca6149be45e5);
}

/* Values for SipHash-1-3 that other implementations give for the same key and texts. */
TEST(hash_bytes_gives_known_values)
{
    static const uint64_t wanted[] = { 0xabac0158050fc4dc, 0xc9f49bf37d57ca93, 0x82cb9b024dc7d44d,
                                       0x8bf80ab8e7ddf7fb, 0xcf75576088d38328 };
    uint8_t at[8];
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        CHECK_EQ(hash_bytes(&counting_seed, counting_bytes(at, i)), wanted[i]);
}

TEST(hash_bytes_is_the_model_at_every_length_and_place)
{
    uint8_t room[100];
    struct rng rng;
    rng_init(&rng, test_seed());
    for (int round = 0; round < 200; round++) {
        struct hash_seed seed = { rng_next(&rng), rng_next(&rng) };
        for (size_t i = 0; i < sizeof(room); i++)
            room[i] = (uint8_t)rng_next(&rng);
        for (size_t count = 0; count <= 80; count++) {
            struct bytes text = bytes_of(room + round % 9, count);
            CHECK_EQ(hash_bytes(&seed, text), model(1, 3, &seed, text));
        }
    }
}

TEST(hash_bytes_nocase_is_the_hash_of_lower_case)
{
    uint8_t text[40], lower[40];
    for (int byte = 0; byte < 256; byte++) {
        for (size_t count = 1; count <= sizeof(text); count++) {
            memset(text, byte, count);
            text[count - 1] = 'Q';
            memcpy(lower, text, count);
            for (size_t i = 0; i < count; i++) {
                if (lower[i] >= 'A' && lower[i] <= 'Z')
                    lower[i] = (uint8_t)(lower[i] + 32);
            }
            CHECK_EQ(hash_bytes_nocase(&counting_seed, bytes_of(text, count)),
                     hash_bytes(&counting_seed, bytes_of(lower, count)));
        }
    }
}

static void check_sha1(struct bytes text, const char *wanted)
{
    struct sha1 sha1;
    uint8_t digest[SHA1_BYTES];
    char hex[2 * SHA1_BYTES];
    sha1_init(&sha1);
    sha1_add(&sha1, text);
    sha1_end(&sha1, digest);
    for (int i = 0; i < 2 * SHA1_BYTES; i++)
        hex[i] = "0123456789abcdef"[digest[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
    CHECK_BYTES(bytes_of(hex, sizeof(hex)), bytes_of_text(wanted));
}

TEST(sha1_gives_the_examples_of_fips_180)
{
    check_sha1(BYTES(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    check_sha1(BYTES("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    check_sha1(BYTES("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
               "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    enum { MILLION = 1000 * 1000 };
    uint8_t *text = memory_take(MILLION);
    CHECK(text != NULL);
    memset(text, 'a', MILLION);
    check_sha1(bytes_of(text, MILLION), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    memory_give(text);
}

TEST(sha1_is_the_same_in_pieces)
{
    uint8_t text[300], whole[SHA1_BYTES], parts[SHA1_BYTES];
    counting_bytes(text, sizeof(text));
    struct rng rng;
    rng_init(&rng, test_seed());
    for (size_t count = 0; count <= sizeof(text); count++) {
        struct sha1 sha1;
        sha1_init(&sha1);
        sha1_add(&sha1, bytes_of(text, count));
        sha1_end(&sha1, whole);
        sha1_init(&sha1);
        for (size_t at = 0; at < count;) {
            size_t piece = rng_below(&rng, count - at + 1);
            sha1_add(&sha1, bytes_of(text + at, piece));
            at += piece;
        }
        sha1_end(&sha1, parts);
        CHECK_BYTES(bytes_of(parts, SHA1_BYTES), bytes_of(whole, SHA1_BYTES));
    }
}
