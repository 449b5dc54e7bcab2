#include "http/guard.h"

#include <arpa/inet.h>
#include <string.h>

enum { CREDENTIALS_MAX = 1024 }; /* user name, colon and password, decoded */

void guard_init(struct guard *guard, struct bytes password, struct bytes token)
{
    *guard = (struct guard){ .has_password = password.count > 0, .has_token = token.count > 0 };
    sha256(password, guard->password);
    sha256(token, guard->token);
}

bool guard_asks(const struct guard *guard)
{
    return guard->has_password || guard->has_token;
}

/* Takes as long for any two digests. */
static bool same(const uint8_t a[SHA256_BYTES], const uint8_t b[SHA256_BYTES])
{
    volatile uint8_t differ = 0;
    for (unsigned at = 0; at < SHA256_BYTES; at++)
        differ = differ | (uint8_t)(a[at] ^ b[at]);
    return differ == 0;
}

static bool is_password(const struct guard *guard, struct bytes text)
{
    uint8_t digest[SHA256_BYTES];
    sha256(text, digest);
    bool is = same(digest, guard->password);
    return guard->has_password && is;
}

static bool is_token(const struct guard *guard, struct bytes text)
{
    uint8_t digest[SHA256_BYTES];
    sha256(text, digest);
    bool is = same(digest, guard->token);
    return guard->has_token && is;
}

static struct bytes behind(struct bytes text, size_t count)
{
    return bytes_of(text.at + count, text.count - count);
}

static struct bytes trim(struct bytes text)
{
    while (text.count > 0 && (text.at[0] == ' ' || text.at[0] == '\t'))
        text = behind(text, 1);
    while (text.count > 0 && (text.at[text.count - 1] == ' ' || text.at[text.count - 1] == '\t'))
        text.count--;
    return text;
}

/* A word and a space in front, in any case: what stands behind; at NULL where it is another. */
static struct bytes scheme(struct bytes text, const char *word)
{
    size_t count = strlen(word);
    if (text.count <= count || !bytes_is(bytes_of(text.at, count), word) || text.at[count] != ' ')
        return bytes_of(NULL, 0);
    return trim(behind(text, count));
}

static int digit_of(uint8_t byte)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = byte == 0 ? NULL : strchr(digits, byte);
    return at == NULL ? -1 : (int)(at - digits);
}

/* RFC 4648, padded or not. False: not base64, or longer than `most`. */
static bool decode(struct bytes text, uint8_t *to, size_t most, size_t *count)
{
    uint32_t bits = 0;
    unsigned held = 0;
    while (text.count > 0 && text.at[text.count - 1] == '=')
        text.count--;
    *count = 0;
    for (size_t at = 0; at < text.count; at++) {
        int digit = digit_of(text.at[at]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        held += 6;
        if (held < 8)
            continue;
        if (*count == most)
            return false;
        held -= 8;
        to[(*count)++] = (uint8_t)(bits >> held);
    }
    return true;
}

static bool admits_basic(const struct guard *guard, struct bytes text)
{
    uint8_t plain[CREDENTIALS_MAX];
    size_t count;
    if (!decode(text, plain, sizeof plain, &count))
        return false;
    const uint8_t *colon = count > 0 ? memchr(plain, ':', count) : NULL;
    if (colon == NULL)
        return false;
    size_t skipped = (size_t)(colon - plain) + 1;
    return is_password(guard, bytes_of(plain + skipped, count - skipped));
}

bool guard_admits(const struct guard *guard, struct bytes authorization)
{
    if (!guard_asks(guard))
        return true;
    if (authorization.at == NULL)
        return false;
    struct bytes text = trim(authorization);
    struct bytes basic = scheme(text, "basic"), bearer = scheme(text, "bearer");
    if (basic.at != NULL)
        return admits_basic(guard, basic);
    if (bearer.at == NULL)
        return false;
    bool token = is_token(guard, bearer), password = is_password(guard, bearer);
    return token || password;
}

/* --- Host ------------------------------------------------------------------------------------- */

/* Without the port and the brackets of IPv6; false: it cannot be a host. */
static bool cut_port(struct bytes host, char name[64])
{
    struct bytes text = trim(host);
    if (text.count > 0 && text.at[0] == '[') {
        const uint8_t *end = memchr(text.at, ']', text.count);
        if (end == NULL)
            return false;
        text = bytes_of(text.at + 1, (size_t)(end - text.at) - 1);
    } else if (text.count > 0) {
        const uint8_t *colon = memchr(text.at, ':', text.count);
        text.count = colon == NULL ? text.count : (size_t)(colon - text.at);
    }
    if (text.count >= 64 || (text.count > 0 && memchr(text.at, 0, text.count) != NULL))
        return false;
    if (text.count > 0)
        memcpy(name, text.at, text.count);
    name[text.count] = 0;
    return true;
}

/* HTTP/1.0 has no Host. */
bool guard_knows_host(struct bytes host)
{
    char name[64];
    uint8_t address[16];
    if (host.at == NULL)
        return true;
    if (!cut_port(host, name))
        return false;
    return bytes_is(bytes_of_text(name), "localhost") || inet_pton(AF_INET, name, address) == 1 ||
           inet_pton(AF_INET6, name, address) == 1;
}
