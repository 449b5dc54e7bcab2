/* Who may read over HTTP: what stands in Authorization and Host, right and wrong. */
#include "harness.h"
#include "http/guard.h"

#include <stdio.h>

static bool admits(const struct guard *guard, const char *text)
{
    return guard_admits(guard, bytes_of_text(text));
}

TEST(http_nothing_is_asked_without_a_secret)
{
    struct guard guard;
    guard_init(&guard, BYTES(""), BYTES(""));
    CHECK(!guard_asks(&guard));
    CHECK(guard_admits(&guard, bytes_of(NULL, 0)));
    CHECK(admits(&guard, "Bearer "));
}

TEST(http_a_password_is_taken_as_basic_with_any_name_and_as_bearer)
{
    struct guard guard;
    guard_init(&guard, BYTES("open sesame"), BYTES(""));
    CHECK(guard_asks(&guard));
    CHECK(!guard_admits(&guard, bytes_of(NULL, 0)));
    CHECK(admits(&guard, "Basic YTpvcGVuIHNlc2FtZQ==")); /* a:open sesame */
    CHECK(admits(&guard, "basic  YTpvcGVuIHNlc2FtZQ"));
    CHECK(admits(&guard, "BASIC Om9wZW4gc2VzYW1l ")); /* :open sesame */
    CHECK(admits(&guard, "Bearer open sesame"));
    CHECK(!admits(&guard, "Basic b3BlbiBzZXNhbWU=")); /* open sesame: no name */
    CHECK(!admits(&guard, "Basic YTpvcGVuIHNlc2FtZQ==x"));
    CHECK(!admits(&guard, "BasicYTpvcGVuIHNlc2FtZQ=="));
    CHECK(!admits(&guard, "Bearer"));
    CHECK(!admits(&guard, "Bearer "));
    CHECK(!admits(&guard, ""));
}

TEST(http_a_token_is_no_password_and_an_absent_one_admits_nobody)
{
    struct guard guard;
    guard_init(&guard, BYTES(""), BYTES("secret"));
    CHECK(admits(&guard, "Bearer secret"));
    CHECK(!admits(&guard, "Bearer secrets"));
    CHECK(!admits(&guard, "Bearer secre"));
    CHECK(!admits(&guard, "Basic YTpzZWNyZXQ=")); /* a:secret */
    CHECK(!admits(&guard, "Basic YTo="));         /* a: and no password */
    guard_init(&guard, BYTES("other"), BYTES("secret"));
    CHECK(admits(&guard, "Bearer secret"));
    CHECK(admits(&guard, "Bearer other"));
}

TEST(http_a_password_of_any_bytes_and_what_is_too_long)
{
    static char text[4096] = "Basic ";
    struct guard guard;
    guard_init(&guard, bytes_of("\xff\x00:", 3), BYTES(""));
    CHECK(admits(&guard, "Basic Ov8AOg==")); /* ":" then the three bytes */
    memset(text + 6, 'Y', sizeof text - 7);
    CHECK(!admits(&guard, text));
}

TEST(http_host_is_an_address_or_localhost)
{
    static const char *const known[] = { "localhost", "LOCALHOST:9", "127.0.0.1",  "10.0.0.1:80",
                                         "[::1]",     "[fe80::1]:1", " 127.0.0.1 " };
    static const char *const unknown[] = {
        "",
        "example.com",
        "localhost.",
        "127.0.0.1.x",
        "[::1",
        "[localhost.evil]",
        "::1",
        "0x7f.0.0.1",
        "[]",
        ":80",
        "a.very.long.name.that.does.not.fit.into.sixty.four.bytes.and.so.is.none.example"
    };
    CHECK(guard_knows_host(bytes_of(NULL, 0)));
    for (size_t at = 0; at < sizeof known / sizeof *known; at++)
        CHECKF(guard_knows_host(bytes_of_text(known[at])), "%s", known[at]);
    for (size_t at = 0; at < sizeof unknown / sizeof *unknown; at++)
        CHECKF(!guard_knows_host(bytes_of_text(unknown[at])), "%s", unknown[at]);
}
