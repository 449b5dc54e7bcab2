#include "fault_site.h"

#include "base/memory.h"
#include "harness.h"
#include "os/net.h"
#include "os/seam.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Silence after a fault is an answer. Without one the kernel may take its time. */
enum { TURNS_MAX = 300, TURNS_WITHOUT_FAULT_MAX = 100000 };
enum { TURNS_AT_ONCE = 30, WAIT_NS = 50000, READ_BYTES = 1 << 16 };

const char *const site_fault_names[SITE_FAULTS] = { "pages", "sockets", "files", "memory" };

/* What main has for the parts: nobody ends a test. */
bool server_shutdown(void *context, unsigned flags, const char **refusal)
{
    (void)context, (void)flags;
    *refusal = "not in a test";
    return false;
}

/* ---- the server ------------------------------------------------------------------------------ */

static void path_in(const struct site *site, const char *name, char *path, size_t bytes)
{
    CHECK((size_t)snprintf(path, bytes, "%s/%s", site->directory, name) < bytes);
}

void site_prepare(struct site *site)
{
    char path[128];
    memset(site, 0, sizeof *site);
    site->planned = SITE_NOTHING;
    snprintf(site->directory, sizeof site->directory, "/tmp/snug-site-XXXXXX");
    CHECK(mkdtemp(site->directory) != NULL);
    path_in(site, "snug.conf", path, sizeof path);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    fprintf(file,
            "port 0\ndatabases 4\nenable-debug-command yes\nlogfile %s/snug.log\n"
            "active-defrag-ignore-bytes 1\nactive-defrag-threshold-lower 1\n"
            "latency-monitor-threshold 1\nsave \"\"\n",
            site->directory);
    fclose(file);
    os_seam_init(&site->real);
    fault_seam_init(&site->fault, &site->real);
    site->server.seam = site->fault.seam;
    log_init(&site->server.log, &site->server.seam);
}

static bool configure(struct site *site)
{
    struct server *server = &site->server;
    char path[128];
    path_in(site, "snug.conf", path, sizeof path);
    struct conf_source source = { .seam = &server->seam, .host = &conf_host_real, .path = path };
    server->table = cmd_table_new(cmd_groups);
    if (server->table == NULL || config_init(&server->config) != ERR_NONE)
        return false;
    server->users = users_new(server->table, &server->config);
    if (server->users == NULL || conf_load(&source, &server->config, &server->report) != ERR_NONE ||
        config_text_set(&server->config.dir, bytes_of_text(site->directory)) != ERR_NONE)
        return false;
    struct log_target target = { .path = server->config.logfile.at, .ident = "site" };
    server->log.level = LOG_LEVEL_DEBUG;
    return log_open(&server->log, &target) == ERR_NONE;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in name;
    socklen_t bytes = sizeof name;
    CHECK(getsockname(fd, (struct sockaddr *)&name, &bytes) == 0);
    return ntohs(name.sin_port);
}

bool site_start(struct site *site)
{
    struct server *server = &site->server;
    if (!configure(site) || !server_make_parts(server))
        return false;
    server_hook_settings(server);
    server_apply_settings(server);
    int listener = socket_listen_tcp("127.0.0.1", 0, 511);
    CHECK(listener >= 0);
    site->port = port_of(listener);
    return net_listen(server->net, listener, NET_TCP);
}

/* The log's: what is in it is not counted. */
static void remove_log(const char *directory)
{
    char path[1024];
    DIR *opened = opendir(directory);
    CHECK(opened != NULL);
    for (struct dirent *at = readdir(opened); at != NULL; at = readdir(opened)) {
        if (at->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, at->d_name);
        CHECK_EQ(unlink(path), 0);
    }
    closedir(opened);
    CHECK_EQ(rmdir(directory), 0);
}

static unsigned remove_files(const struct site *site)
{
    char path[512];
    unsigned others = 0;
    DIR *directory = opendir(site->directory);
    CHECK(directory != NULL);
    for (struct dirent *at = readdir(directory); at != NULL; at = readdir(directory)) {
        if (at->d_name[0] == '.')
            continue;
        path_in(site, at->d_name, path, sizeof path);
        if (strcmp(at->d_name, "appendonlydir") == 0) {
            remove_log(path);
            continue;
        }
        others += strcmp(at->d_name, "snug.conf") != 0 && strcmp(at->d_name, "snug.log") != 0 &&
                  strcmp(at->d_name, "dump.rdb") != 0;
        CHECK_EQ(unlink(path), 0);
    }
    closedir(directory);
    CHECK_EQ(rmdir(site->directory), 0);
    return others;
}

unsigned site_end(struct site *site)
{
    struct server *server = &site->server;
    site_heal(site);
    server_drop_parts(server);
    conf_report_release(&server->report);
    config_release(&server->config);
    log_release(&server->log);
    return remove_files(site);
}

/* ---- faults ---------------------------------------------------------------------------------- */

void site_fail(struct site *site, enum site_fault fault, uint64_t after, bool always)
{
    site->planned = (int)fault;
    if (fault == SITE_MEMORY) {
        memory_fail_after(after);
        memory_fail_always(always);
        return;
    }
    const int errors[] = { ENOMEM, ECONNRESET, EIO };
    fault_seam_plan(&site->fault,
                    &(struct fault_plan){ 1u << fault, after, errors[fault], always, false });
}

static bool has_failed(const struct site *site)
{
    return site->planned == SITE_MEMORY ? memory_has_failed() : site->fault.failed != 0;
}

bool site_heal(struct site *site)
{
    bool failed = has_failed(site);
    memory_fail_always(false);
    memory_fail_after(UINT64_MAX);
    fault_seam_plan(&site->fault, &(struct fault_plan){ 0 });
    site->planned = SITE_NOTHING;
    return failed;
}

/* ---- callers --------------------------------------------------------------------------------- */

void caller_open(struct caller *caller, struct site *site)
{
    const struct sockaddr_in name = { .sin_family = AF_INET,
                                      .sin_port = htons(site->port),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    *caller = (struct caller){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    CHECK(caller->fd >= 0);
    CHECK(connect(caller->fd, (const struct sockaddr *)&name, sizeof name) == 0);
}

void caller_close(struct caller *caller)
{
    /* At once, without waiting for what the server may still send. */
    const struct linger now = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(caller->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(caller->fd);
    free(caller->got);
    *caller = (struct caller){ .fd = -1, .closed = true };
}

static void read_some(struct caller *caller)
{
    ssize_t got;
    do {
        if (caller->capacity - caller->count < READ_BYTES) {
            size_t capacity = caller->capacity * 2 + READ_BYTES;
            uint8_t *more = realloc(caller->got, capacity); /* not what is made to fail */
            CHECK(more != NULL);
            caller->got = more;
            caller->capacity = capacity;
        }
        got = recv(caller->fd, caller->got + caller->count, READ_BYTES, MSG_DONTWAIT);
        if (got > 0)
            caller->count += (size_t)got;
    } while (got > 0);
    caller->closed = caller->closed || got == 0 || errno != EAGAIN;
}

static void turn(struct site *site, int turns)
{
    net_turn(site->server.net, turns < TURNS_AT_ONCE ? 0 : WAIT_NS);
}

static bool may_wait(const struct site *site, int turns)
{
    return turns < (has_failed(site) ? TURNS_MAX : TURNS_WITHOUT_FAULT_MAX);
}

/* Sends all; a server that has closed is found out by reading. */
static void send_all(struct caller *caller, struct site *site, struct bytes bytes)
{
    for (int turns = 0; bytes.count > 0 && may_wait(site, turns); turns++) {
        ssize_t sent = send(caller->fd, bytes.at, bytes.count, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0)
            bytes = bytes_of(bytes.at + sent, bytes.count - (size_t)sent);
        else if (errno != EAGAIN)
            return;
        turn(site, turns);
    }
}

/* The bytes of the first whole reply, of either protocol; 0: it is not all there. */
static size_t reply_bytes(const uint8_t *at, size_t count)
{
    size_t end = 0;
    for (int64_t left = 1; left > 0; left--) {
        const uint8_t *line = at + end, *cr = memchr(line, '\r', count - end);
        if (cr == NULL || (size_t)(cr - at) + 2 > count)
            return 0;
        CHECKF(strchr("+-:$*_#,(!=%~|>", line[0]) != NULL, "a reply begins with %d", line[0]);
        int64_t number = strtoll((const char *)line + 1, NULL, 10);
        end = (size_t)(cr - at) + 2;
        if (strchr("$!=", line[0]) != NULL && number >= 0)
            end += (size_t)number + 2;
        else if (strchr("*~>", line[0]) != NULL)
            left += number > 0 ? number : 0;
        else if (line[0] == '%' || line[0] == '|')
            left += 2 * number + (line[0] == '|');
        if (end > count)
            return 0;
    }
    return end;
}

bool caller_ask(struct caller *caller, struct site *site, struct bytes request, struct bytes *reply)
{
    caller->count = 0;
    send_all(caller, site, request);
    for (int turns = 0; may_wait(site, turns) && !caller->closed; turns++) {
        turn(site, turns);
        read_some(caller);
        size_t bytes = caller->count > 0 ? reply_bytes(caller->got, caller->count) : 0;
        if (bytes == 0)
            continue;
        CHECK_EQ(caller->count, bytes); /* one reply to one request */
        *reply = bytes_of(caller->got, bytes);
        return true;
    }
    bool quiet = !caller->closed;
    caller->closed = true;
    *reply = bytes_of("", 0);
    CHECK(!quiet || site->planned != SITE_NOTHING); /* silence is for a fault to explain */
    return false;
}

void caller_tell(struct caller *caller, struct site *site, struct bytes request)
{
    send_all(caller, site, request);
    for (int turns = 0; turns < 4; turns++)
        turn(site, 0);
    read_some(caller);
}
