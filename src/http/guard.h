/* http/guard.h - who may read: Authorization, and the name by which we were called.
 * Model:    a password is asked for as HTTP's Basic, with any user name; a token, or the password,
 *           as Bearer. Digests are compared, each byte whatever the others were. Where nothing is
 *           asked for, Host must be an address or "localhost": a page of another site, whose name
 *           was made to lead here, is sent away.
 * Owner:    the http struct.
 * Pointers: none kept: digests.
 * Threads:  the HTTP thread.
 * Failure:  false: denied.
 * Cost:     a SHA-256 of what was sent, at most HTTP_CONNECTION_BYTES. */
#ifndef HTTP_GUARD_H
#define HTTP_GUARD_H

#include "base/bytes.h"
#include "base/sha256.h"

struct guard {
    bool has_password, has_token;
    uint8_t password[SHA256_BYTES], token[SHA256_BYTES];
};

void guard_init(struct guard *guard, struct bytes password, struct bytes token);
bool guard_asks(const struct guard *guard);
/* The value of the header Authorization; `at` NULL: there is none. */
bool guard_admits(const struct guard *guard, struct bytes authorization);
/* The value of the header Host; only asked where guard_asks says no. */
bool guard_knows_host(struct bytes host);

#endif
