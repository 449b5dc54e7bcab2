/* types/stream_image.h - a stream as one run of bytes, and back.
 * Model:    numbers as varints, strings with their lengths; nodes as they are cut, so that a copy
 *           is trimmed as the first would be; then groups, their consumers, and what is pending.
 * Owner:    the caller's buffers; a decoded body owns what it refers to.
 * Pointers: none kept.
 * Threads:  the heap's.
 * Failure:  ERR_MEMORY; ERR_SYNTAX for hostile bytes; nothing is taken then.
 * Cost:     O(bytes). */
#ifndef TYPES_STREAM_IMAGE_H
#define TYPES_STREAM_IMAGE_H

#include "types/stream.h"

MUST_CHECK enum err stream_encode(struct space *space, const struct value *value,
                                  struct buffer *image);
MUST_CHECK enum err stream_decode(struct space *space, struct bytes image, struct value *value,
                                  struct buffer *body);

#endif
