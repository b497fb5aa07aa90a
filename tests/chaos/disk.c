/*
 * Stands between the program and its disk (LD_PRELOAD). What is overwritten in the database and its log is noted until
 * it is synced, so that a power cut can be played afterwards; a call that is named fails; a sync can be a lie.
 *
 * DISK_LOG    the file for the notes: `note` below, then the bytes that stood there
 * DISK_FAIL   <fsync|pwrite|ftruncate>:<errno>:<k>[+]: the k-th such call fails, with + each later one too
 * DISK_LIES   if set, a sync does nothing and says that it did
 * DISK_SLOW   so many milliseconds each sync takes more
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One note. A write: what stood at `offset` follows, `length` bytes of it, and the file had `size`. A sync: the first
 * `offset` notes are on disk, as far as they are of this file. A fault: it was met. */
struct note {
    uint64_t kind, file, offset, length, size;
};
enum { WRITE = 1, SYNC = 2, FAULT = 3 };

static int notes = -1, lies, slow_ms;
static uint64_t noted;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static int (*real_ftruncate)(int, off64_t), (*real_fsync)(int), (*real_fdatasync)(int);

static char fail_call[16];
static int fail_errno, fail_on;
static long fail_at, called;

__attribute__((constructor)) static void begin(void) {
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    const char *log = getenv("DISK_LOG"), *fail = getenv("DISK_FAIL");
    if (log) notes = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    lies = getenv("DISK_LIES") != NULL;
    const char *slow = getenv("DISK_SLOW");
    slow_ms = slow ? atoi(slow) : 0;
    char on = 0;
    if (fail && sscanf(fail, "%15[a-z]:%d:%ld%c", fail_call, &fail_errno, &fail_at, &on) >= 3) fail_on = on == '+';
}

/* 0: the database, 1: its log, -1: anything else. */
static int file_of(int fd) {
    char link[32], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return -1;
    path[length] = 0;
    const char *name = strrchr(path, '/');
    if (!name) return -1;
    if (!strcmp(name, "/btk.db")) return 0;
    return strcmp(name, "/btk.db-wal") ? -1 : 1;
}

static void put(struct note note, const void *bytes) {
    if (notes < 0) return;
    if (write(notes, &note, sizeof note) < 0) abort();
    if (note.length && bytes && write(notes, bytes, note.length) < 0) abort();
    noted++;
}

/* Whether this call is to fail. */
static int fails(const char *call, int file) {
    if (strcmp(call, fail_call)) return 0;
    pthread_mutex_lock(&mutex);
    long nth = ++called;
    int is_hit = nth == fail_at || (fail_on && nth > fail_at);
    if (is_hit) put((struct note){FAULT, file, 0, 0, 0}, NULL);
    pthread_mutex_unlock(&mutex);
    if (is_hit) errno = fail_errno;
    return is_hit;
}

/* Notes what stands at `offset`, `length` bytes at most. The mutex is held. */
static void note_before(int fd, int file, uint64_t offset, uint64_t length) {
    struct stat64 is;
    if (notes < 0 || fstat64(fd, &is)) return;
    uint64_t size = is.st_size, there = size > offset ? size - offset : 0;
    if (there > length) there = length;
    char *bytes = there ? malloc(there) : NULL;
    if (there && pread64(fd, bytes, there, offset) != (ssize_t)there) abort();
    put((struct note){WRITE, file, offset, there, size}, bytes);
    free(bytes);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    int file = file_of(fd);
    if (file < 0) return real_pwrite(fd, bytes, length, offset);
    if (fails("pwrite", file)) return -1;
    pthread_mutex_lock(&mutex);
    note_before(fd, file, offset, length);
    ssize_t written = real_pwrite(fd, bytes, length, offset);
    pthread_mutex_unlock(&mutex);
    return written;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    return pwrite64(fd, bytes, length, offset);
}

int ftruncate64(int fd, off64_t size) {
    int file = file_of(fd);
    if (file < 0) return real_ftruncate(fd, size);
    if (fails("ftruncate", file)) return -1;
    pthread_mutex_lock(&mutex);
    note_before(fd, file, size, UINT64_MAX);
    int result = real_ftruncate(fd, size);
    pthread_mutex_unlock(&mutex);
    return result;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int synced(int fd, int (*sync)(int)) {
    int file = file_of(fd);
    if (file < 0) return sync(fd);
    if (fails("fsync", file)) return -1;
    if (lies) return 0;
    usleep(slow_ms * 1000);
    pthread_mutex_lock(&mutex);
    uint64_t before = noted;
    pthread_mutex_unlock(&mutex);
    int result = sync(fd);
    if (result == 0) {
        pthread_mutex_lock(&mutex);
        put((struct note){SYNC, file, before, 0, 0}, NULL);
        pthread_mutex_unlock(&mutex);
    }
    return result;
}

int fsync(int fd) { return synced(fd, real_fsync); }
int fdatasync(int fd) { return synced(fd, real_fdatasync); }
