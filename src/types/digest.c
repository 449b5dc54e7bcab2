#include "types/digest.h"

static struct digest sha1_of(struct bytes bytes)
{
    struct sha1 sha1;
    struct digest digest;
    sha1_init(&sha1);
    sha1_add(&sha1, bytes);
    sha1_end(&sha1, digest.at);
    return digest;
}

void digest_add(struct digest *digest, struct bytes bytes)
{
    struct digest hash = sha1_of(bytes);
    for (unsigned at = 0; at < SHA1_BYTES; at++)
        digest->at[at] ^= hash.at[at];
}

void digest_mix(struct digest *digest, struct bytes bytes)
{
    digest_add(digest, bytes);
    *digest = sha1_of(bytes_of(digest->at, SHA1_BYTES));
}
