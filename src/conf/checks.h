/* conf/checks.h - rules that single options have beside their type; for the rows.
 * Model:    refuse-functions: a value in, NULL or the reason out. settle-functions: see options.h.
 * Owner:    nobody.
 * Pointers: reasons are static text.
 * Threads:  any.
 * Failure:  none.
 * Cost:     linear in the value. */
#ifndef CONF_CHECKS_H
#define CONF_CHECKS_H

#include "conf/config.h"

const char *conf_refuse_title(struct bytes value);
const char *conf_refuse_dbfilename(struct bytes value);
const char *conf_refuse_appendfilename(struct bytes value);
const char *conf_refuse_appenddirname(struct bytes value);
const char *conf_refuse_nodes_file(struct bytes value);
const char *conf_refuse_hostname(struct bytes value);
const char *conf_refuse_nodename(struct bytes value);

void conf_settle_hz(struct config *config);

#endif
