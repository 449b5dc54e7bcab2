/* A machine that stops: loaded before a server (LD_PRELOAD), it notes how much of each file has
 * been synced, in a file that outlives the process. After a kill -9 a test cuts off what was not,
 * as the loss of the page cache would.
 *
 * SNUG_SYNCED names the file: records of two 64-bit numbers, an inode and the bytes of it that are
 * on disk. Where a server syncs in two threads, they take turns. */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { RECORDS = 4096 };

struct record {
    uint64_t inode, bytes;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct record *records;
static int (*real_open)(const char *, int, ...);
static int (*real_sync)(int);
static int (*real_sync_data)(int);
static int (*real_truncate)(int, off_t);

/* Without a file the server must not go on as if it were watched. */
__attribute__((constructor)) static void begin(void)
{
    *(void **)&real_open = dlsym(RTLD_NEXT, "open");
    *(void **)&real_sync = dlsym(RTLD_NEXT, "fsync");
    *(void **)&real_sync_data = dlsym(RTLD_NEXT, "fdatasync");
    *(void **)&real_truncate = dlsym(RTLD_NEXT, "ftruncate");
    const char *path = getenv("SNUG_SYNCED");
    int file = path != NULL ? real_open(path, O_RDWR | O_CREAT, 0644) : -1;
    size_t bytes = RECORDS * sizeof *records;
    if (file < 0 || real_truncate(file, (off_t)bytes) != 0)
        abort();
    records = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (records == MAP_FAILED)
        abort();
    close(file);
}

static struct record *record_of(uint64_t inode)
{
    for (size_t at = 0; at < RECORDS; at++) {
        if (records[at].inode == inode || records[at].inode == 0) {
            records[at].inode = inode;
            return &records[at];
        }
    }
    abort();
}

static void note(int file, uint64_t bytes)
{
    struct stat facts;
    if (records == NULL || fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode))
        return;
    pthread_mutex_lock(&lock);
    record_of(facts.st_ino)->bytes = bytes;
    pthread_mutex_unlock(&lock);
}

static uint64_t bytes_of(int file)
{
    struct stat facts;
    return fstat(file, &facts) == 0 ? (uint64_t)facts.st_size : 0;
}

/* A sync that another one has overtaken takes nothing back of what that one made safe. */
static void note_synced(int file, uint64_t bytes)
{
    struct stat facts;
    if (records == NULL || fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode))
        return;
    pthread_mutex_lock(&lock);
    struct record *record = record_of(facts.st_ino);
    if (record->bytes < bytes)
        record->bytes = bytes;
    pthread_mutex_unlock(&lock);
}

/* What is written while the disk works may be there or not: it counts as not. */
static int sync_and_note(int file, int (*sync)(int))
{
    uint64_t bytes = bytes_of(file);
    int result = sync(file);
    if (result == 0)
        note_synced(file, bytes);
    return result;
}

int fsync(int file)
{
    return sync_and_note(file, real_sync);
}

int fdatasync(int file)
{
    return sync_and_note(file, real_sync_data);
}

/* What a file had beyond its new end is lost; the bytes before it are as safe as they were. */
int ftruncate(int file, off_t bytes)
{
    struct stat facts;
    int result = real_truncate(file, bytes);
    if (result != 0 || records == NULL || fstat(file, &facts) != 0)
        return result;
    pthread_mutex_lock(&lock);
    struct record *record = record_of(facts.st_ino);
    if (record->bytes > (uint64_t)bytes)
        record->bytes = (uint64_t)bytes;
    pthread_mutex_unlock(&lock);
    return result;
}

/* An inode that is used again begins anew. */
int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    int file = real_open(path, flags, mode);
    if (file >= 0 && (flags & O_CREAT) != 0 && bytes_of(file) == 0)
        note(file, 0);
    return file;
}
