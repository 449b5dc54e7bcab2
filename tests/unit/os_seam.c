/* The real pages: reserved, committed, moved, given back. */
#include "harness.h"

#include "os/process.h"
#include "os/seam.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MIB = 1024 * 1024 };

TEST(pages_are_reserved_aligned_and_cost_nothing)
{
    struct seam seam;
    os_seam_init(&seam);
    static const size_t sizes[] = { 4096, MIB, 2 * MIB, 2 * MIB + 4096, (size_t)64 << 30 };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint64_t before = process_resident_exact();
        uint8_t *at = seam.pages_reserve(NULL, sizes[i]);
        CHECK(at != NULL && ((uintptr_t)at & (2 * MIB - 1)) == 0);
        CHECK(process_resident_exact() <= before + 256 * 1024);
        CHECK(seam.pages_commit(NULL, at + sizes[i] - 4096, 4096));
        at[sizes[i] - 1] = 1;
        seam.pages_unreserve(NULL, at, sizes[i]);
    }
    CHECK(seam.pages_reserve(NULL, 0) == NULL);
    CHECK(seam.pages_reserve(NULL, SIZE_MAX) == NULL);
    CHECK(seam.pages_reserve(NULL, (size_t)1 << 60) == NULL);
}

TEST(pages_are_resident_when_touched_and_gone_when_returned)
{
    struct seam seam;
    os_seam_init(&seam);
    uint8_t *at = seam.pages_reserve(NULL, 64 * MIB);
    CHECK(at != NULL && seam.pages_commit(NULL, at, 64 * MIB));
    uint64_t before = process_resident_exact();
    for (size_t i = 0; i < 32 * MIB; i += 4096)
        at[i] = 7;
    uint64_t touched = process_resident_exact();
    CHECKF(touched >= before + 32 * MIB && touched < before + 33 * MIB, "%llu more",
           (unsigned long long)(touched - before));
    seam.pages_return(NULL, at, 32 * MIB);
    CHECK(process_resident_exact() < before + MIB);
    CHECK_EQ(at[4096], 0);
    seam.pages_unreserve(NULL, at, 64 * MIB);
}

TEST(pages_move_without_a_copy)
{
    struct seam seam;
    os_seam_init(&seam);
    uint8_t *at = seam.pages_reserve(NULL, 8 * MIB);
    CHECK(at != NULL && seam.pages_commit(NULL, at, 8 * MIB));
    memset(at, 7, MIB);
    memset(at + 4 * MIB, 9, MIB);
    if (seam.pages_move(NULL, at, at + 4 * MIB, MIB)) { /* kernels before 5.7 refuse */
        CHECK_EQ(at[4 * MIB], 7);
        CHECK_EQ(at[5 * MIB - 1], 7);
        for (size_t i = 0; i < MIB; i += 4096)
            CHECK_EQ(at[i], 0);
        memset(at, 1, MIB);
        CHECK_EQ(at[4 * MIB], 7);
    }
    seam.pages_unreserve(NULL, at, 8 * MIB);
}

TEST(a_peer_that_has_gone_is_an_error_and_no_signal)
{
    struct seam seam;
    os_seam_init(&seam);
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    close(ends[1]);
    struct iovec part = { "x", 1 };
    CHECK(seam.send(NULL, ends[0], &part, 1) == -1 && errno == EPIPE);
    close(ends[0]);
}

TEST(sockets_calls_serve_pipes_as_well)
{
    struct seam seam;
    os_seam_init(&seam);
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    struct iovec parts[] = { { "ab", 2 }, { "c", 1 } };
    char got[8];
    CHECK_EQ(seam.send(NULL, ends[1], parts, 2), 3);
    CHECK_EQ(seam.receive(NULL, ends[0], got, sizeof(got)), 3);
    CHECK_BYTES(bytes_of(got, 3), BYTES("abc"));
    close(ends[0]);
    close(ends[1]);
}

TEST(files_have_a_length_which_can_be_cut)
{
    struct seam seam;
    char root[] = "/tmp/snug-seam-XXXXXX", directory[64], path[80];
    os_seam_init(&seam);
    CHECK(mkdtemp(root) != NULL);
    snprintf(directory, sizeof directory, "%s/d", root);
    snprintf(path, sizeof path, "%s/f", directory);
    CHECK(seam.make_directory(NULL, directory, 0755) == 0);
    CHECK(seam.make_directory(NULL, directory, 0755) == -1 && errno == EEXIST);
    int file = seam.open(NULL, path, O_RDWR | O_CREAT | O_APPEND, 0644);
    CHECK(file >= 0 && seam.file_bytes(NULL, file) == 0);
    CHECK(seam.write(NULL, file, "abcdef", 6) == 6 && seam.file_bytes(NULL, file) == 6);
    CHECK(seam.truncate(NULL, file, 2) == 0 && seam.file_bytes(NULL, file) == 2);
    int other = seam.open(NULL, path, O_RDONLY, 0);
    CHECK(seam.lock(NULL, file) == 0 && seam.lock(NULL, other) == -1);
    CHECK(seam.close(NULL, other) == 0);
    CHECK(seam.sync_data(NULL, file) == 0 && seam.close(NULL, file) == 0);
    CHECK(seam.file_bytes(NULL, -1) == -1);
    CHECK(seam.unlink(NULL, path) == 0 && rmdir(directory) == 0 && rmdir(root) == 0);
}
