/* The loop: requests in any pieces, order, many clients, who waits and who goes. */
#include "base/memory.h"
#include "base/rng.h"
#include "net_world.h"
#include "os/net.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

TEST(net_answers)
{
    struct world world;
    world_begin(&world);
    struct peer peer;
    peer_open(&peer, &world);
    ASKS(&peer, "PING\r\n", "+PONG\r\n");
    ASKS(&peer, "*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n", "$5\r\nhello\r\n");
    ASKS(&peer, "PING\r\n\r\n*0\r\n*2\r\n$4\r\nECHO\r\n$1\r\nx\r\n", "+PONG\r\n$1\r\nx\r\n");
    ASKS(&peer, "LATE\r\n", "+LATE\r\n");
    struct net_figures figures;
    net_figures(world.net, &figures);
    CHECK_EQ(figures.accepted, 1);
    CHECK_EQ(figures.commands, 5);
    CHECK_EQ(figures.clients, 1);
    CHECK_EQ(net_client_by_id(world.net, 1)->commands, 5);
    CHECK_EQ(net_client_by_id(world.net, 1)->input_bytes, figures.input_bytes);
    CHECK_EQ(net_client_by_id(world.net, 1)->output_bytes, figures.output_bytes);
    peer_close(&peer);
    world_turns(&world, 3);
    CHECK_EQ(world.left, 1);
    CHECK_EQ(net_clients(world.net), 0);
    world_end(&world);
}

TEST(net_takes_requests_cut_at_every_byte)
{
    const char *request = "*2\r\n$4\r\nECHO\r\n$3\r\nabc\r\nPING\r\n*1\r\n$4\r\nPING\r\n";
    const char *reply = "$3\r\nabc\r\n+PONG\r\n+PONG\r\n";
    struct world world;
    world_begin(&world);
    struct peer peer;
    peer_open(&peer, &world);
    for (size_t cut = 0; cut <= strlen(request); cut++) {
        peer.count = 0;
        peer_write(&peer, &world, bytes_of(request, cut));
        world_turns(&world, 2);
        peer_write(&peer, &world, bytes_of_text(request + cut));
        peer_await(&peer, &world, strlen(reply));
        CHECK_BYTES(bytes_of(peer.got, peer.count), bytes_of_text(reply));
    }
    peer_close(&peer);
    world_end(&world);
}

/* An idle client costs its struct, whatever it asked before. */
TEST(net_idle_clients_are_small)
{
    struct world world;
    world_begin(&world);
    struct peer peer;
    peer_open(&peer, &world);
    ASKS(&peer, "PING\r\n", "+PONG\r\n");
    ASKS(&peer, "*2\r\n$4\r\nECHO\r\n$3\r\nab", "");
    const struct client *client = net_client_by_id(world.net, 1);
    CHECK(client->input.count > 0);
    CHECK(client_memory(client) < 2048);
    ASKS(&peer, "c\r\n", "$3\r\nabc\r\n");
    CHECK_EQ(client->input.capacity, 0);
    peer.count = 0;
    peer_write(&peer, &world, BYTES("BIG 3000000\r\n"));
    peer_await(&peer, &world, 3000000 + 12);
    world_turns(&world, 3);
    CHECK_EQ(client_output_chunks(client), 0);
    CHECK(client_memory(client) <= 1024);
    peer_close(&peer);
    world_end(&world);
}

static void check_alphabet(const struct peer *peer, size_t from, size_t count)
{
    CHECK(peer->count >= from + count);
    for (size_t i = 0; i < count; i++) {
        if (peer->got[from + i] != 'a' + i % 26)
            test_fail(__FILE__, __LINE__, "byte %zu of %zu differs", i, count);
    }
}

TEST(net_carries_big_values_both_ways)
{
    enum { BYTES_MAX = 3000000 };
    struct world world;
    world_begin(&world);
    struct peer peer;
    peer_open(&peer, &world);
    static const size_t sizes[] = { 16000, 32767, 32768, 65536, 100000, BYTES_MAX };
    uint8_t *request = memory_take(BYTES_MAX + 64);
    CHECK(request != NULL);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t count = sizes[i];
        size_t head = (size_t)snprintf((char *)request, 64, "*2\r\n$4\r\nECHO\r\n$%zu\r\n", count);
        for (size_t at = 0; at < count; at++)
            request[head + at] = (uint8_t)('a' + at % 26);
        memcpy(request + head + count, "\r\nPING\r\n", 8);
        peer.count = 0;
        peer_write(&peer, &world, bytes_of(request, head + count + 8));
        size_t reply = head - 14 + count + 2 + 7;
        peer_await(&peer, &world, reply);
        CHECK_EQ(peer.count, reply);
        check_alphabet(&peer, head - 14, count);
    }
    memory_give(request);
    CHECK_EQ(net_client_by_id(world.net, 1)->input.capacity, 0);
    peer_close(&peer);
    world_end(&world);
}

TEST(net_takes_requests_of_very_many_arguments)
{
    enum { ARGS = 200000, ARG_BYTES = 7 };
    struct world world;
    world_begin(&world);
    struct peer peer;
    peer_open(&peer, &world);
    char *request = memory_take(ARGS * ARG_BYTES + 32);
    CHECK(request != NULL);
    int count = snprintf(request, 32, "*%d\r\n", ARGS);
    for (int i = 0; i < ARGS; i++) {
        memcpy(request + count, "$1\r\nx\r\n", ARG_BYTES);
        count += ARG_BYTES;
    }
    peer_write(&peer, &world, bytes_of(request, (size_t)count));
    peer_await(&peer, &world, 9);
    CHECK_TEXT(bytes_of(peer.got, peer.count), ":200000\r\n");
    memory_give(request);
    peer_close(&peer);
    world_end(&world);
}

/* ---- many clients at random ------------------------------------------------------------------ */

enum { TALKERS = 60, TALKER_ECHOES = 150, ECHO_MAX = 40 * 1024 };

/* A client that sends numbered ECHOs in pieces of any size, and checks what comes back. */
struct talker {
    struct peer peer;
    uint64_t said, heard;
    size_t checked; /* of what the peer has received */
    char unsaid[ECHO_MAX + 64];
    size_t from, count;
};

/* Some are longer than what is kept for a partial request, some longer than a receive. */
static size_t filler_of(uint64_t talker, uint64_t number)
{
    uint64_t mix = talker * 31 + number * 7;
    return mix % 61 == 0 ? ECHO_MAX - 100 : mix % 13 == 0 ? 5000 : (size_t)(mix % 50);
}

static size_t write_echo(char *at, uint64_t talker, uint64_t number)
{
    size_t filler = filler_of(talker, number);
    size_t count = (size_t)snprintf(at, 64, "$%zu\r\n%08u", filler + 8, (unsigned)number);
    memset(at + count, 'f', filler);
    memcpy(at + count + filler, "\r\n", 2);
    return count + filler + 2;
}

static void say(struct talker *talker, uint64_t id, struct rng *rng)
{
    if (talker->from == talker->count && talker->said < TALKER_ECHOES) {
        static const char head[] = "*2\r\n$4\r\necho\r\n";
        memcpy(talker->unsaid, head, sizeof(head) - 1);
        talker->count = sizeof(head) - 1;
        talker->count += write_echo(talker->unsaid + talker->count, id, talker->said++);
        talker->from = 0;
    }
    size_t piece = talker->count - talker->from;
    if (rng_below(rng, 3) == 0)
        piece = (size_t)rng_below(rng, piece + 1);
    ssize_t sent = send(talker->peer.fd, talker->unsaid + talker->from, piece, MSG_DONTWAIT);
    if (sent > 0)
        talker->from += (size_t)sent;
}

static void hear(struct talker *talker, uint64_t id, struct rng *rng)
{
    static char wanted[ECHO_MAX + 64];
    peer_read(&talker->peer, rng_below(rng, 4) == 0 ? (size_t)rng_below(rng, 5000) : SIZE_MAX);
    while (talker->heard < talker->said) {
        size_t count = write_echo(wanted, id, talker->heard);
        if (talker->peer.count - talker->checked < count)
            break;
        CHECK(memcmp(talker->peer.got + talker->checked, wanted, count) == 0);
        talker->checked += count;
        talker->heard++;
    }
    CHECK(!talker->peer.closed);
}

static void talk(struct world *world)
{
    struct rng rng;
    rng_init(&rng, test_seed());
    struct talker *talkers = memory_take_zeroed(TALKERS * sizeof(*talkers));
    CHECK(talkers != NULL);
    for (int i = 0; i < TALKERS; i++)
        peer_open(&talkers[i].peer, world);
    uint64_t heard = 0;
    for (int round = 0; heard < TALKERS * TALKER_ECHOES && round < 1000000; round++) {
        uint64_t i = rng_below(&rng, TALKERS);
        heard -= talkers[i].heard;
        for (uint64_t times = rng_below(&rng, 20); times > 0; times--)
            say(&talkers[i], i, &rng);
        hear(&talkers[i], i, &rng);
        heard += talkers[i].heard;
        if (rng_below(&rng, 4) == 0)
            world_turns(world, 1);
    }
    CHECK_EQ(heard, TALKERS * TALKER_ECHOES);
    for (int i = 0; i < TALKERS; i++) {
        CHECK_EQ(talkers[i].checked, talkers[i].peer.count);
        peer_close(&talkers[i].peer);
    }
    memory_give(talkers);
}

TEST(net_keeps_the_order_of_many_clients)
{
    struct world world;
    world_begin(&world);
    talk(&world);
    CHECK_EQ(world.executed, TALKERS * TALKER_ECHOES);
    CHECK(world.biggest_batch > 1);
    world_end(&world);
}

TEST(net_moves_byte_by_byte_when_the_system_does)
{
    struct world world;
    world_begin(&world);
    fault_seam_plan(
        &world.fault,
        &(struct fault_plan){ .classes = FAULT_SOCKETS, .after = UINT64_MAX, .trickle = true });
    struct peer peer;
    peer_open(&peer, &world);
    ASKS(&peer, "*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\nPING\r\n", "$5\r\nhello\r\n+PONG\r\n");
    peer_close(&peer);
    world_end(&world);
}

/* A long pipeline does not keep others waiting: nobody gets more than his share of a turn. */
TEST(net_serves_others_beside_a_long_pipeline)
{
    enum { REQUESTS = 9000 };
    struct world world;
    world_begin(&world);
    struct peer busy, other;
    peer_open(&busy, &world);
    peer_open(&other, &world);
    world_turns(&world, 2);
    char *pipeline = memory_take(REQUESTS * 6);
    CHECK(pipeline != NULL);
    for (size_t i = 0; i < REQUESTS; i++)
        memcpy(pipeline + 6 * i, "PING\r\n", 6);
    CHECK_EQ(send(busy.fd, pipeline, REQUESTS * 6, MSG_DONTWAIT), REQUESTS * 6);
    CHECK_EQ(send(other.fd, "PING\r\n", 6, MSG_DONTWAIT), 6);
    world_turns(&world, 1);
    CHECK_EQ(world.executed, NET_TURN_REQUESTS_MAX + 1);
    peer_read(&other, SIZE_MAX);
    CHECK_TEXT(bytes_of(other.got, other.count), "+PONG\r\n");
    peer_await(&busy, &world, REQUESTS * 7);
    CHECK_EQ(busy.count, REQUESTS * 7);
    CHECK_EQ(world.executed, REQUESTS + 1);
    memory_give(pipeline);
    peer_close(&busy);
    peer_close(&other);
    world_end(&world);
}

TEST(net_keeps_what_a_slow_reader_does_not_take)
{
    enum { BIGS = 40, BIG = 300000, REPLY = BIG + 11 };
    struct world world;
    world_begin(&world);
    struct peer slow, other;
    peer_open(&slow, &world);
    peer_open(&other, &world);
    for (int i = 0; i < BIGS; i++)
        peer_write(&slow, &world, BYTES("BIG 300000\r\nPING\r\n"));
    world_turns(&world, 20);
    const struct client *client = net_client_by_id(world.net, 1);
    CHECK(client_output_memory(client) > 1000000);
    struct net_figures figures;
    net_figures(world.net, &figures);
    CHECK(figures.client_bytes > 1000000 && figures.output_max > 1000000);
    ASKS(&other, "PING\r\n", "+PONG\r\n");
    peer_await(&slow, &world, BIGS * (REPLY + 7));
    CHECK_EQ(slow.count, BIGS * (REPLY + 7));
    for (size_t i = 0; i < BIGS; i++) {
        check_alphabet(&slow, i * (REPLY + 7) + 9, BIG);
        CHECK(memcmp(slow.got + i * (REPLY + 7) + REPLY, "+PONG\r\n", 7) == 0);
    }
    world_turns(&world, 2);
    CHECK_EQ(client_output_memory(client), 0);
    peer_close(&slow);
    peer_close(&other);
    world_end(&world);
}

/* ---- who goes -------------------------------------------------------------------------------- */

TEST(net_drops_what_follows_quit)
{
    struct world world;
    world_begin(&world);
    struct peer peer;
    peer_open(&peer, &world);
    peer_write(&peer, &world, BYTES("PING\r\nQUIT\r\nPING\r\n*2\r\n$4\r\nEC"));
    ENDS(&peer, "+PONG\r\n+OK\r\n");
    CHECK_EQ(world.executed, 2);
    peer_close(&peer);
    world_end(&world);
}

TEST(net_closes_after_a_protocol_error)
{
    struct world world;
    world_begin(&world);
    struct peer peer;
    peer_open(&peer, &world);
    peer_write(&peer, &world, BYTES("PING\r\n*1\r\n$1\r\nx\r\n*1\r\n%4\r\nPING\r\nPING\r\n"));
    ENDS(&peer, "+PONG\r\n:1\r\n-ERR Protocol error: expected '$', got '%'\r\n");
    peer_close(&peer);
    world_end(&world);
}

TEST(net_sends_all_before_it_closes)
{
    enum { BIG = 5000000 };
    struct world world;
    world_begin(&world);
    struct peer peer;
    peer_open(&peer, &world);
    peer_write(&peer, &world, BYTES("BIG 5000000\r\nQUIT\r\nPING\r\n"));
    world_turns(&world, 10);
    peer_await(&peer, &world, SIZE_MAX);
    CHECK(peer.closed);
    CHECK_EQ(peer.count, BIG + 12 + 5);
    world_turns(&world, 2);
    CHECK_EQ(net_clients(world.net), 0);
    peer_close(&peer);
    world_end(&world);
}

/* Both requests are in one batch: the second client is closed by the first one's command. */
TEST(net_closes_a_client_whose_request_waits_in_the_batch)
{
    struct world world;
    world_begin(&world);
    struct peer killer, victim;
    peer_open(&killer, &world);
    peer_open(&victim, &world);
    world_turns(&world, 2);
    CHECK_EQ(send(killer.fd, "KILL 2\r\nPING\r\n", 14, 0), 14);
    CHECK_EQ(send(victim.fd, "PING\r\nPING\r\n", 12, 0), 12);
    world_turns(&world, 1);
    ENDS(&victim, "");
    CHECK_EQ(world.executed, 2);
    ASKS(&killer, "", ":1\r\n+PONG\r\n");
    ASKS(&killer, "KILL 2\r\n", ":0\r\n");
    peer_write(&killer, &world, BYTES("KILL 1\r\nPING\r\n"));
    ENDS(&killer, ":1\r\n");
    peer_close(&killer);
    peer_close(&victim);
    world_end(&world);
}

TEST(net_closes_on_http)
{
    static const char *const lines[] = { "PING\r\nPOST / HTTP/1.1\r\nPING\r\n",
                                         "PING\r\nhost: here\r\nPING\r\n" };
    struct world world;
    world_begin(&world);
    for (size_t i = 0; i < 2; i++) {
        struct peer peer;
        peer_open(&peer, &world);
        peer_write(&peer, &world, bytes_of_text(lines[i]));
        ENDS(&peer, "");
        peer_close(&peer);
    }
    CHECK_EQ(world.executed, 2);
    CHECK_EQ(world.logged, 1);
    world_end(&world);
}

TEST(net_closes_at_once_when_told_so)
{
    struct world world;
    world_begin(&world);
    struct peer peer;
    peer_open(&peer, &world);
    peer_write(&peer, &world, BYTES("OFF\r\nPING\r\n"));
    ENDS(&peer, "");
    CHECK_EQ(world.executed, 1);
    peer_close(&peer);
    world_end(&world);
}

/* ---- who waits ------------------------------------------------------------------------------- */

TEST(net_blocks_and_goes_on)
{
    struct world world;
    world_begin(&world);
    struct peer waits, wakes;
    peer_open(&waits, &world);
    peer_open(&wakes, &world);
    ASKS(&waits, "PING\r\nBLOCK\r\nECHO a\r\nECHO b\r\nEC", "+PONG\r\n");
    ASKS(&waits, "HO c\r\n", "");
    ASKS(&wakes, "UNBLOCK 1\r\n", ":1\r\n");
    ASKS(&waits, "", "+AWAKE\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n");
    ASKS(&waits, "BLOCK\r\n", "");
    ASKS(&wakes, "UNBLOCK 1\r\n", ":1\r\n");
    ASKS(&waits, "PING\r\n", "+AWAKE\r\n+PONG\r\n");
    peer_close(&waits);
    peer_close(&wakes);
    world_end(&world);
}

TEST(net_blocks_and_goes_on_within_one_batch)
{
    struct world world;
    world_begin(&world);
    struct peer waits, wakes;
    peer_open(&waits, &world);
    peer_open(&wakes, &world);
    world_turns(&world, 2);
    CHECK_EQ(send(waits.fd, "BLOCK\r\nECHO a\r\nECHO b\r\n", 23, 0), 23);
    CHECK_EQ(send(wakes.fd, "UNBLOCK 1\r\n", 11, 0), 11);
    ASKS(&waits, "", "+AWAKE\r\n$1\r\na\r\n$1\r\nb\r\n");
    ASKS(&wakes, "", ":1\r\n");
    peer_close(&waits);
    peer_close(&wakes);
    world_end(&world);
}

TEST(net_notices_that_a_blocked_client_has_gone)
{
    struct world world;
    world_begin(&world);
    struct peer waits;
    peer_open(&waits, &world);
    ASKS(&waits, "BLOCK\r\nPING\r\n", "");
    peer_close(&waits);
    world_turns(&world, 3);
    CHECK_EQ(net_clients(world.net), 0);
    world_end(&world);
}

TEST(net_pauses_and_resumes)
{
    struct world world;
    world_begin(&world);
    struct peer peer, other;
    peer_open(&peer, &world);
    peer_open(&other, &world);
    ASKS(&peer, "PAUSE 100000\r\nPING\r\nPING\r\n", "+OK\r\n");
    ASKS(&other, "PING\r\nECHO x\r\n", "");
    struct net_figures figures;
    net_figures(world.net, &figures);
    CHECK_EQ(figures.paused_writes_only, 2);
    CHECK(net_client_by_id(world.net, 2)->flags & CLIENT_PAUSED);
    world.later_ms += 100001;
    ASKS(&other, "", "+PONG\r\n$1\r\nx\r\n");
    ASKS(&peer, "", "+PONG\r\n+PONG\r\n");
    net_figures(world.net, &figures);
    CHECK_EQ(figures.paused_writes_only, 0);
    peer_close(&peer);
    peer_close(&other);
    world_end(&world);
}

/* Reads before the first write go on, in the batch that begins the pause as well. */
TEST(net_pauses_writes_only)
{
    struct world world;
    world_begin(&world);
    struct peer peer, other;
    peer_open(&peer, &world);
    peer_open(&other, &world);
    world_turns(&world, 2);
    CHECK_EQ(send(peer.fd, "PAUSEW 100000\r\nPING\r\nW\r\nPING\r\n", 31, 0), 31);
    CHECK_EQ(send(other.fd, "PING\r\nW\r\nW\r\nPING\r\n", 18, 0), 18);
    ASKS(&peer, "", "+OK\r\n+PONG\r\n");
    ASKS(&other, "", "+PONG\r\n");
    ASKS(&other, "PING\r\n", "");
    struct peer third;
    peer_open(&third, &world);
    ASKS(&third, "PING\r\nUNPAUSE\r\nPING\r\n", "+PONG\r\n+OK\r\n+PONG\r\n");
    ASKS(&peer, "", ":1\r\n+PONG\r\n");
    ASKS(&other, "", ":1\r\n:1\r\n+PONG\r\n+PONG\r\n");
    peer_close(&peer);
    peer_close(&other);
    peer_close(&third);
    world_end(&world);
}

TEST(net_takes_the_longer_and_stricter_pause)
{
    struct world world;
    world_begin(&world);
    struct peer peer, other;
    peer_open(&peer, &world);
    peer_open(&other, &world);
    ASKS(&peer, "PAUSEW 100000\r\nPAUSEW 1\r\n", "+OK\r\n+OK\r\n");
    world.later_ms += 1000;
    ASKS(&other, "W\r\n", "");
    ASKS(&peer, "PAUSE 1\r\n", "+OK\r\n");
    ASKS(&peer, "PING\r\n", "");
    world.later_ms += 100000;
    ASKS(&other, "", ":1\r\n");
    ASKS(&peer, "", "+PONG\r\n");
    peer_close(&peer);
    peer_close(&other);
    world_end(&world);
}

/* ---- who there is ---------------------------------------------------------------------------- */

static void check_ascending(void *context, struct client *client)
{
    uint64_t *last = context;
    CHECK(client->id > *last);
    *last = client->id;
}

TEST(net_finds_clients_by_id_and_in_order)
{
    enum { PEERS = 300 };
    struct world world;
    world_begin(&world);
    struct rng rng;
    rng_init(&rng, test_seed());
    struct peer peers[PEERS];
    uint64_t ids[PEERS];
    uint64_t next_id = 1;
    for (int i = 0; i < PEERS; i++)
        peers[i].fd = -1;
    for (int step = 0; step < 2000; step++) {
        uint64_t i = rng_below(&rng, PEERS);
        if (peers[i].fd < 0) {
            peer_open(&peers[i], &world);
            ids[i] = next_id++;
        } else {
            peer_close(&peers[i]);
        }
        world_turns(&world, 2);
        if (step % 50 != 0)
            continue;
        uint64_t last = 0, open = 0;
        net_each_client(world.net, check_ascending, &last);
        for (int at = 0; at < PEERS; at++) {
            const struct client *client = NULL;
            if (peers[at].fd >= 0) {
                client = net_client_by_id(world.net, ids[at]);
                CHECK(client != NULL && client->id == ids[at]);
                open++;
            }
        }
        CHECK_EQ(net_clients(world.net), open);
        CHECK(net_client_by_id(world.net, next_id) == NULL);
        CHECK(net_client_by_id(world.net, 0) == NULL);
    }
    for (int i = 0; i < PEERS; i++) {
        if (peers[i].fd >= 0)
            peer_close(&peers[i]);
    }
    world_end(&world);
}

TEST(net_tells_addresses_and_texts)
{
    struct world world;
    world_begin(&world);
    struct peer peer;
    peer_open(&peer, &world);
    ASKS(&peer, "PING\r\n", "+PONG\r\n");
    struct client *client = net_client_by_id(world.net, 1);
    char text[128], wanted[128];
    client_local(client, text, sizeof(text));
    snprintf(wanted, sizeof(wanted), "127.0.0.1:%u", world.port);
    CHECK_BYTES(bytes_of_text(text), bytes_of_text(wanted));
    client_peer(client, text, sizeof(text));
    CHECK(strncmp(text, "127.0.0.1:", 10) == 0);
    CHECK(client_set_text(&client->name, BYTES("me")));
    CHECK_TEXT(bytes_of_text(client->name), "me");
    memory_fail_after(0);
    CHECK(!client_set_text(&client->name, BYTES("you")));
    CHECK_TEXT(bytes_of_text(client->name), "me");
    CHECK(client_set_text(&client->name, bytes_of(NULL, 0)));
    CHECK(client->name == NULL);
    CHECK(client_set_text(&client->lib_name, BYTES("lib")));
    peer_close(&peer);
    world_end(&world);
}

/* ---- the loop itself ------------------------------------------------------------------------- */

static void *stop_later(void *context)
{
    struct world *world = context;
    usleep(20000);
    net_wake(world->net);
    usleep(20000);
    net_stop(world->net);
    return NULL;
}

TEST(net_runs_until_stopped)
{
    struct world world;
    world_begin(&world);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, stop_later, &world) == 0);
    net_run(world.net);
    pthread_join(thread, NULL);
    CHECK(world.betweens >= 3 && world.betweens < 20);
    world_end(&world);
}

TEST(net_closes_listeners_of_one_kind)
{
    struct world world;
    world_begin(&world);
    net_unlisten(world.net, NET_UNIX);
    struct peer peer;
    peer_open(&peer, &world);
    ASKS(&peer, "PING\r\n", "+PONG\r\n");
    net_unlisten(world.net, NET_TCP);
    ASKS(&peer, "PING\r\n", "+PONG\r\n");
    const struct sockaddr_in name = { .sin_family = AF_INET,
                                      .sin_port = htons(world.port),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0);
    CHECK(connect(fd, (const struct sockaddr *)&name, sizeof(name)) != 0);
    CHECK_EQ(errno, ECONNREFUSED);
    close(fd);
    peer_close(&peer);
    world_end(&world);
}

TEST(net_serves_unix_sockets)
{
    struct world world;
    world_begin(&world);
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    snprintf(name.sun_path, sizeof(name.sun_path), "/tmp/snug-net-%d", (int)getpid());
    int listener = socket_listen_unix(name.sun_path, 0700, 16);
    CHECK(listener >= 0);
    CHECK(net_listen(world.net, listener, NET_UNIX));
    struct peer peer = { .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    CHECK(connect(peer.fd, (const struct sockaddr *)&name, sizeof(name)) == 0);
    ASKS(&peer, "PING\r\n", "+PONG\r\n");
    const struct client *client = net_client_by_id(world.net, 1);
    CHECK(client->flags & CLIENT_UNIX_SOCKET);
    char text[128], wanted[128];
    snprintf(wanted, sizeof(wanted), "%s:0", name.sun_path);
    client_peer(client, text, sizeof(text));
    CHECK_BYTES(bytes_of_text(text), bytes_of_text(wanted));
    net_unlisten(world.net, NET_UNIX);
    ASKS(&peer, "PING\r\n", "+PONG\r\n");
    unlink(name.sun_path);
    peer_close(&peer);
    world_end(&world);
}
