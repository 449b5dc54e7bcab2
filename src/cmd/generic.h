/* cmd/generic.h - the commands for keys of any type, as generic_rows.c names them.
 * Model:    one function a command; the rows say the rest.
 * Owner:    nobody.
 * Pointers: none kept.
 * Threads:  the executing thread.
 * Failure:  error replies.
 * Cost:     as the rows say. */
#ifndef CMD_GENERIC_H
#define CMD_GENERIC_H

#include "cmd/args.h"

void generic_del(struct call *call);
void generic_unlink(struct call *call);
void generic_exists(struct call *call);
void generic_touch(struct call *call);
void generic_type(struct call *call);
void generic_randomkey(struct call *call);
void generic_rename(struct call *call);
void generic_renamenx(struct call *call);
void generic_move(struct call *call);
void generic_copy(struct call *call);
void generic_wait(struct call *call);

void generic_expire(struct call *call);
void generic_pexpire(struct call *call);
void generic_expireat(struct call *call);
void generic_pexpireat(struct call *call);
void generic_ttl(struct call *call);
void generic_pttl(struct call *call);
void generic_expiretime(struct call *call);
void generic_pexpiretime(struct call *call);
void generic_persist(struct call *call);

void generic_keys(struct call *call);
void generic_scan(struct call *call);

void object_encoding(struct call *call);
void object_freq(struct call *call);
void object_idletime(struct call *call);
void object_refcount(struct call *call);
void object_help(struct call *call);

#endif
