/* cmd/acl.h - the ACL command: users looked at and changed.
 * Model:    one function a subcommand; the rows say the rest.
 * Owner:    nobody.
 * Pointers: none kept.
 * Threads:  the executing thread.
 * Failure:  error replies; a change that fails has changed nothing.
 * Cost:     as the rows say. */
#ifndef CMD_ACL_H
#define CMD_ACL_H

#include "cmd/args.h"

void acl_cat(struct call *call);
void acl_deluser(struct call *call);
void acl_dryrun(struct call *call);
void acl_genpass(struct call *call);
void acl_getuser(struct call *call);
void acl_help(struct call *call);
void acl_list(struct call *call);
void acl_load(struct call *call);
void acl_log(struct call *call);
void acl_save(struct call *call);
void acl_setuser(struct call *call);
void acl_users(struct call *call);
void acl_whoami(struct call *call);

#endif
