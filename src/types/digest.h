/* types/digest.h - forty digits of a value's content, as Redis makes them (DEBUG DIGEST-VALUE).
 * Model:    two ways to add bytes to a digest: mix where order matters, add where it does not:
 *
 *             mix(d, x)  is  d = SHA1(d ^ SHA1(x))
 *             add(d, x)  is  d = d ^ SHA1(x)
 *
 *           Elements of more than one part are mixed into a digest of their own, from zero, which
 *           is then added. What each type does is in types/README.md.
 * Owner:    the caller.
 * Pointers: none kept.
 * Threads:  any.
 * Failure:  none.
 * Cost:     one or two SHA-1 of each part. */
#ifndef TYPES_DIGEST_H
#define TYPES_DIGEST_H

#include "base/hash.h"

struct digest {
    uint8_t at[SHA1_BYTES];
};

void digest_mix(struct digest *digest, struct bytes bytes);
void digest_add(struct digest *digest, struct bytes bytes);
/* The digest of an element, made from zero, added to that of the whole. */
static inline void digest_add_element(struct digest *digest, const struct digest *element)
{
    digest_add(digest, bytes_of(element->at, sizeof element->at));
}

#endif
