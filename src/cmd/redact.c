#include "cmd/redact.h"

#include <string.h>

static bool is_one_of(struct bytes word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_is(word, words[i]))
            return true;
    return false;
}

static bool hides_config(const struct call *call, uint32_t at)
{
    static const char *const secrets[] = { "requirepass",
                                           "masterauth",
                                           "masteruser",
                                           "tls-key-file-pass",
                                           "tls-client-key-file-pass",
                                           "http-password",
                                           "http-token" };
    return at >= 3 && at % 2 == 1 &&
           is_one_of(call->argv[at - 1], secrets, sizeof secrets / sizeof *secrets);
}

/* `most` words behind AUTH, from `from` on. */
static bool is_behind(const struct call *call, uint32_t at, uint32_t from, const char *word,
                      uint32_t most)
{
    for (uint32_t back = 1; back <= most && at >= from + back; back++)
        if (bytes_is(call->argv[at - back], word))
            return true;
    return false;
}

/* Subcommands of ACL that name users or their secrets. */
static bool hides_acl(const struct call *call, uint32_t at)
{
    static const char *const about_users[] = { "setuser", "deluser", "getuser" };
    return at >= 2 && is_one_of(call->argv[1], about_users, 3);
}

static bool hides(const struct call *call, uint32_t at)
{
    struct bytes name = call->argv[0];
    if (at == 0)
        return false;
    if (bytes_is(name, "auth"))
        return true;
    if (bytes_is(name, "hello"))
        return is_behind(call, at, 2, "auth", 2);
    if (bytes_is(name, "config"))
        return hides_config(call, at);
    if (bytes_is(name, "acl"))
        return hides_acl(call, at);
    return bytes_is(name, "migrate") &&
           (is_behind(call, at, 6, "auth", 1) || is_behind(call, at, 6, "auth2", 2));
}

struct bytes redact_argument(const struct call *call, uint32_t at)
{
    return hides(call, at) ? bytes_of_text("(redacted)") : call->argv[at];
}
