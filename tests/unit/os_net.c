/* Listening sockets, what they are called, and what this process says of itself. */
#include "harness.h"

#include "os/daemon.h"
#include "os/net.h"
#include "os/process.h"
#include "os/seam.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static uint16_t port_of(int listener)
{
    struct sockaddr_in address = { 0 };
    socklen_t bytes = sizeof(address);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &bytes) == 0);
    return ntohs(address.sin_port);
}

/* Both ends of a connection over 127.0.0.1. */
static void connect_to(int listener, int *client, int *server)
{
    struct seam seam;
    os_seam_init(&seam);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port_of(listener)) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(connect(*client, (struct sockaddr *)&to, sizeof(to)) == 0);
    *server = seam.accept(NULL, listener, NULL, NULL);
    CHECK(*server >= 0);
}

TEST(tcp_connections_are_accepted_and_named)
{
    int listener = socket_listen_tcp("127.0.0.1", 0, 5);
    CHECK(listener >= 0);
    int client, server;
    connect_to(listener, &client, &server);
    char wanted[64], found[64];
    snprintf(wanted, sizeof(wanted), "127.0.0.1:%u", (unsigned)port_of(listener));
    socket_text(server, SOCKET_LOCAL, found, sizeof(found));
    CHECK_BYTES(bytes_of_text(found), bytes_of_text(wanted));
    socket_text(client, SOCKET_PEER, found, sizeof(found));
    CHECK_BYTES(bytes_of_text(found), bytes_of_text(wanted));
    socket_text(server, SOCKET_PEER, found, sizeof(found));
    socket_text(client, SOCKET_LOCAL, wanted, sizeof(wanted));
    CHECK_BYTES(bytes_of_text(found), bytes_of_text(wanted));
    CHECK(socket_peer_is_local(server));
    CHECK(socket_set_no_delay(server) && socket_set_keepalive(server, 300));
    CHECK(socket_set_keepalive(server, 1) && socket_set_keepalive(server, 1000000));
    CHECK(socket_set_keepalive(server, 0));
    char byte;
    CHECK(read(server, &byte, 1) == -1 && errno == EAGAIN);
    close(client);
    close(server);
    close(listener);
}

TEST(optional_addresses_are_skipped_and_others_undo_all)
{
    struct socket_listeners listeners;
    struct socket_bind binds[] = { { .address = "127.0.0.1" }, { .address = "-192.0.2.1" } };
    CHECK(socket_listen_all(&listeners, binds, 2, 0, 5));
    CHECK_EQ(listeners.count, 1);
    CHECK(binds[0].outcome == SOCKET_LISTENS && binds[1].outcome == SOCKET_SKIPPED);
    CHECK_EQ(binds[1].error, EADDRNOTAVAIL);
    uint16_t port = port_of(listeners.sockets[0]);
    struct socket_listeners others;
    struct socket_bind taken[] = { { .address = "-127.0.0.1" } };
    CHECK(!socket_listen_all(&others, taken, 1, port, 5));
    CHECK_EQ(taken[0].error, EADDRINUSE);
    binds[1].address = "192.0.2.1";
    CHECK(!socket_listen_all(&others, binds, 2, 0, 5));
    CHECK_EQ(others.count, 0);
    CHECK(!socket_listen_all(&others, binds, 0, 0, 5));
    socket_close_all(&listeners);
    CHECK_EQ(listeners.count, 0);
}

static void temporary_path(char path[64])
{
    snprintf(path, 64, "/tmp/snug-test-XXXXXX");
    int file = mkstemp(path);
    CHECK(file >= 0);
    close(file);
}

TEST(unix_sockets_have_their_rights_and_replace_old_ones)
{
    char path[64], found[80], wanted[80];
    temporary_path(path);
    CHECK(socket_listen_unix(path, 0, 5) == -1 && errno == EADDRINUSE); /* a file stays */
    CHECK(unlink(path) == 0);
    mode_t before = umask(022);
    static const struct {
        unsigned mode;
        unsigned born;
    } rows[] = { { 0, 0755 }, { 0700, 0700 }, { 0777, 0777 }, { 0660, 0660 } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int listener = socket_listen_unix(path, rows[i].mode, 5);
        struct stat stat_of;
        CHECK(listener >= 0 && stat(path, &stat_of) == 0);
        CHECK_EQ(stat_of.st_mode & 0777, rows[i].born);
        snprintf(wanted, sizeof(wanted), "%s:0", path);
        socket_text(listener, SOCKET_LOCAL, found, sizeof(found));
        CHECK_BYTES(bytes_of_text(found), bytes_of_text(wanted));
        close(listener);
    }
    CHECK_EQ(umask(before), 022);
    unlink(path);
    char long_path[200];
    memset(long_path, 'x', sizeof(long_path) - 1);
    long_path[sizeof(long_path) - 1] = '\0';
    CHECK(socket_listen_unix(long_path, 0, 5) == -1 && errno == ENAMETOOLONG);
    CHECK(socket_listen_unix("", 0, 5) == -1 && errno == EINVAL);
}

TEST(the_process_tells_its_figures)
{
    CHECK(process_resident() > 1000 * 1000 && process_resident_exact() > 1000 * 1000);
    CHECK(process_resident_peak() >= process_resident_exact() / 10 * 9);
    CHECK(machine_memory() >= machine_memory_limit() && machine_memory_limit() > 16 << 20);
    struct process_cpu cpu;
    process_cpu(&cpu);
    CHECK(cpu.user_us + cpu.system_us > 0);
    char text[256];
    machine_text(text, sizeof(text));
    CHECK(strncmp(text, "Linux ", 6) == 0);
    process_executable(text, sizeof(text));
    CHECK(strstr(text, "unit-tests") != NULL);
    uint64_t files = process_raise_open_files(1);
    CHECK(files >= 1 && process_raise_open_files(files) == files);
    int adjustment = 5000;
    CHECK(process_oom_score_adj(&adjustment) && adjustment >= -1000 && adjustment <= 1000);
    CHECK(process_set_oom_score_adj(adjustment));
}

static void make_file(const char *root, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    FILE *file = fopen(path, "we");
    CHECK(file != NULL && fputs(text, file) >= 0);
    fclose(file);
}

/* A tree like that of /sys/fs/cgroup: version 2 at its root, version 1 below memory/. */
static void make_groups(char root[64])
{
    static const char *const folders[] = { "a", "a/b", "memory", "memory/c" };
    snprintf(root, 64, "/tmp/snug-test-XXXXXX");
    CHECK(mkdtemp(root) != NULL);
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", root, folders[i]);
        CHECK(mkdir(path, 0700) == 0);
    }
    make_file(root, "a/memory.max", "1000\n");
    make_file(root, "a/b/memory.max", "max\n");
    make_file(root, "a/memory.high", "900\n");
    make_file(root, "a/b/memory.high", "max\n");
    make_file(root, "a/memory.current", "500\n");
    make_file(root, "a/b/memory.current", "300\n");
    make_file(root, "memory/c/memory.usage_in_bytes", "700\n");
    make_file(root, "memory/memory.limit_in_bytes", "9223372036854771712\n");
    make_file(root, "memory/c/memory.limit_in_bytes", "2000\n");
}

static void drop_groups(const char *root)
{
    static const char *const names[] = { "a/memory.high",
                                         "a/b/memory.high",
                                         "a/memory.current",
                                         "a/b/memory.current",
                                         "memory/c/memory.usage_in_bytes",
                                         "a/memory.max",
                                         "a/b/memory.max",
                                         "memory/memory.limit_in_bytes",
                                         "memory/c/memory.limit_in_bytes",
                                         "a/b",
                                         "a",
                                         "memory/c",
                                         "memory",
                                         "" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", root, names[i]);
        CHECK(remove(path) == 0);
    }
}

TEST(memory_limits_of_cgroups_are_the_least_on_the_way_up)
{
    static const struct {
        const char *groups;
        uint64_t limit;
    } rows[] = {
        { "0::/a/b\n", 1000 },
        { "0::/a\n", 1000 },
        { "0::/\n", UINT64_MAX },
        { "0::/gone/deeper\n", UINT64_MAX },
        { "0::/a/gone\n", 1000 },
        { "9:name=systemd:/a\n4:memory:/c\n0::/\n", 2000 },
        { "4:cpu,memory:/c/gone\n", 2000 },
        { "4:memory:/\n", 9223372036854771712u },
        { "4:cpu:/c\n", UINT64_MAX },
        { "", UINT64_MAX },
        { "nonsense\n4:\n::\n", UINT64_MAX },
    };
    char root[64];
    make_groups(root);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_EQ(cgroup_memory(bytes_of_text(rows[i].groups), root, CGROUP_LIMIT), rows[i].limit);
    CHECK_EQ(cgroup_memory(BYTES("0::/a/b\n"), root, CGROUP_HIGH), 900);
    CHECK_EQ(cgroup_memory(BYTES("4:memory:/c\n"), root, CGROUP_HIGH), UINT64_MAX);
    CHECK_EQ(cgroup_memory(BYTES("0::/a/b\n"), root, CGROUP_CURRENT), 300);
    CHECK_EQ(cgroup_memory(BYTES("0::/a\n"), root, CGROUP_CURRENT), 500);
    CHECK_EQ(cgroup_memory(BYTES("4:memory:/c\n"), root, CGROUP_CURRENT), 700);
    drop_groups(root);
}

static void check_notified(int listener, const char *name)
{
    char got[64];
    setenv("NOTIFY_SOCKET", name, 1);
    CHECK(daemon_under_systemd() && daemon_notify("READY=1"));
    ssize_t count = recv(listener, got, sizeof(got), 0);
    CHECK(count == 7 && memcmp(got, "READY=1", 7) == 0);
    unsetenv("NOTIFY_SOCKET");
}

TEST(systemd_is_told_over_a_path_or_an_abstract_name)
{
    CHECK(!daemon_under_systemd() && !daemon_notify("READY=1"));
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    temporary_path(address.sun_path);
    CHECK(unlink(address.sun_path) == 0);
    int listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
    check_notified(listener, address.sun_path);
    close(listener);
    unlink(address.sun_path);
    char name[sizeof(address.sun_path) + 1];
    snprintf(name, sizeof(name), "@%s", address.sun_path);
    size_t count = strlen(name);
    memset(&address, 0, sizeof(address));
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path + 1, name + 1, count - 1);
    listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + count);
    CHECK(bind(listener, (struct sockaddr *)&address, bytes) == 0);
    check_notified(listener, name);
    close(listener);
    setenv("NOTIFY_SOCKET", "relative", 1);
    CHECK(!daemon_notify("READY=1"));
    unsetenv("NOTIFY_SOCKET");
}

TEST(other_hosts_are_connected_to)
{
    int listener = socket_listen_tcp("127.0.0.1", 0, 5);
    CHECK(listener >= 0);
    uint16_t port = port_of(listener);
    int client = socket_connect_tcp("127.0.0.1", port, 1000);
    CHECK(client >= 0);
    CHECK(socket_wait(listener, POLLIN, 1000) && socket_wait(client, POLLOUT, 1000));
    CHECK(!socket_wait(client, POLLIN, 1) && errno == ETIMEDOUT);
    close(client);
    close(listener);
    CHECK(socket_connect_tcp("127.0.0.1", port, 1000) < 0 && errno == ECONNREFUSED);
    CHECK(socket_connect_tcp("no such host", port, 1000) < 0 && errno == EADDRNOTAVAIL);
}

TEST(the_pidfile_holds_the_process_id)
{
    char path[64], wanted[32], found[32] = { 0 };
    temporary_path(path);
    CHECK(daemon_write_pidfile(path));
    FILE *file = fopen(path, "re");
    CHECK(file != NULL && fgets(found, sizeof(found), file) != NULL);
    fclose(file);
    snprintf(wanted, sizeof(wanted), "%d\n", (int)getpid());
    CHECK_BYTES(bytes_of_text(found), bytes_of_text(wanted));
    daemon_remove_pidfile(path);
    CHECK(access(path, F_OK) == -1);
    CHECK(!daemon_write_pidfile("/nonexistent/pid"));
}
