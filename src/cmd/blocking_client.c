/* CLIENT UNBLOCK. */
#include "cmd/args.h"
#include "cmd/blocker.h"
#include "cmd/connection.h"

static bool read_reason(struct call *call, bool *with_error)
{
    *with_error = call_is(call, 3, "error");
    if (call->argc <= 3 || *with_error || call_is(call, 3, "timeout"))
        return true;
    reply_error(call->reply, "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
    return false;
}

void client_unblock_one(struct call *call)
{
    bool with_error = false;
    int64_t id = 0;
    if (call->argc > 4) {
        reply_errorf(call->reply,
                     "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try CLIENT "
                     "HELP.",
                     (int)call->argv[1].count, (const char *)call->argv[1].at);
        return;
    }
    if (!read_reason(call, &with_error) || !call_i64(call, 2, &id))
        return;
    struct client *client = id > 0 ? net_client_by_id(call->context->net, (uint64_t)id) : NULL;
    bool was_waiting =
        client != NULL && blocker_unblock(call->context->blocker, client, with_error);
    reply_i64(call->reply, was_waiting ? 1 : 0);
}
