/* Preloaded into processes of the tests (LD_PRELOAD, tests/support/faults.py). Below the directory FAULTS_DIR it
   - appends every write, truncation, rename, removal and fsync to FAULTS_LOG, so that a power cut can be replayed from it;
   - fails every write with ENOSPC while the file FAULTS_FULL exists;
   and moves the clock of the process by the seconds in the file FAULTS_CLOCK (a double). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { WRITE = 1, TRUNCATE, RENAME, REMOVE, SYNC };
struct head { uint32_t kind, path_bytes; uint64_t place, bytes; };

static const char *directory, *full;
static size_t directory_bytes;
static int record = -1;
static volatile double *moved;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTS_LOG");
    if ((full = getenv("FAULTS_FULL"))) full = strdup(full); /* programs that set their title overwrite the environment */
    if ((directory = getenv("FAULTS_DIR"))) directory_bytes = strlen(directory = strdup(directory));
    if (path) {
        int low = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CLOEXEC);
        record = fcntl(low, F_DUPFD_CLOEXEC, 700); /* out of the way of programs that count on low numbers */
        syscall(SYS_close, low);
    }
    if ((path = getenv("FAULTS_CLOCK"))) {
        int low = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
        void *page = mmap(NULL, sizeof(double), PROT_READ, MAP_SHARED, low, 0);
        if (page != MAP_FAILED) moved = page;
        syscall(SYS_close, low);
    }
}

static int is_ours(const char *path) {
    return directory && strncmp(path, directory, directory_bytes) == 0 && strchr("/", path[directory_bytes]); /* or its end */
}

static int path_of(int fd, char *path) {
    char link[40] = "/proc/self/fd/";
    int digits = 14, number = fd, count = 0;
    char reversed[12];
    if (fd < 0 || !directory) return 0;
    do reversed[count++] = '0' + number % 10; while (number /= 10);
    while (count) link[digits++] = reversed[--count];
    link[digits] = 0;
    ssize_t size = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    if (size <= 0) return 0;
    path[size] = 0;
    return is_ours(path);
}

static void note(uint32_t kind, const char *path, uint64_t place, const void *data, uint64_t bytes) {
    struct head head = {kind, strlen(path), place, bytes};
    struct iovec parts[3] = {{&head, sizeof head}, {(void *)path, head.path_bytes}, {(void *)data, bytes}};
    int before = errno;
    if (record >= 0) syscall(SYS_writev, record, parts, 3); /* one call with O_APPEND: whole, and in order over all processes */
    errno = before;
}

static int no_room(void) {
    if (!full || syscall(SYS_faccessat, AT_FDCWD, full, F_OK)) return 0;
    errno = ENOSPC;
    return 1;
}

#define REAL(type, name, ...) static type (*real)(__VA_ARGS__); if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

ssize_t write(int fd, const void *data, size_t size) {
    char path[PATH_MAX];
    int before = errno, ours = path_of(fd, path);
    errno = before;
    if (ours && no_room()) return -1;
    ssize_t done = syscall(SYS_write, fd, data, size);
    if (ours && done > 0) note(WRITE, path, syscall(SYS_lseek, fd, 0, SEEK_CUR) - done, data, done);
    return done;
}

static ssize_t write_at(int fd, const void *data, size_t size, off_t place) {
    char path[PATH_MAX];
    int before = errno, ours = path_of(fd, path);
    errno = before;
    if (ours && no_room()) return -1;
    ssize_t done = syscall(SYS_pwrite64, fd, data, size, place);
    if (ours && done > 0) note(WRITE, path, place, data, done);
    return done;
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t place) { return write_at(fd, data, size, place); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t place) { return write_at(fd, data, size, place); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
    char path[PATH_MAX];
    if (!path_of(fd, path)) return syscall(SYS_writev, fd, parts, count);
    ssize_t total = 0;
    for (int i = 0; i < count; i++) {
        ssize_t done = write(fd, parts[i].iov_base, parts[i].iov_len);
        if (done < 0) return total ? total : done;
        total += done;
        if ((size_t)done < parts[i].iov_len) break;
    }
    return total;
}

static int cut(int fd, off_t size) {
    char path[PATH_MAX];
    int result = syscall(SYS_ftruncate, fd, size);
    if (result == 0 && path_of(fd, path)) note(TRUNCATE, path, size, "", 0);
    return result;
}
int ftruncate(int fd, off_t size) { return cut(fd, size); }
int ftruncate64(int fd, off64_t size) { return cut(fd, size); }

static void note_content(const char *path) {
    struct stat about;
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &about)) return;
    char *data = malloc(about.st_size + 1);
    ssize_t size = syscall(SYS_pread64, fd, data, about.st_size, 0);
    if (size > 0) note(WRITE, path, 0, data, size);
    free(data);
    syscall(SYS_close, fd);
}

static int flush(long call, int fd) {
    char path[PATH_MAX];
    int ours = path_of(fd, path);
    if (ours && no_room()) return -1;
    if (ours && strstr(path, "/temp-rewriteaof")) note_content(path); /* Redis writes it through stdio, which is not seen here */
    /* What was noted before the call is on the disk after it; what comes meanwhile may not be. */
    uint64_t until = record >= 0 ? syscall(SYS_lseek, record, 0, SEEK_END) : 0;
    int result = syscall(call, fd);
    if (result == 0 && ours) note(SYNC, path, until, "", 0);
    return result;
}
int fsync(int fd) { return flush(SYS_fsync, fd); }
int fdatasync(int fd) { return flush(SYS_fdatasync, fd); }

static const char *absolute(const char *path, char *whole) {
    if (path[0] == '/' || !getcwd(whole, PATH_MAX) || strlen(whole) + strlen(path) + 2 > PATH_MAX) return path;
    return strcat(strcat(whole, "/"), path);
}

int rename(const char *from, const char *to) {
    char first[PATH_MAX], second[PATH_MAX];
    REAL(int, "rename", const char *, const char *);
    int result = real(from, to);
    const char *target = absolute(to, second);
    if (result == 0 && is_ours(target)) note(RENAME, absolute(from, first), 0, target, strlen(target));
    return result;
}

int unlink(const char *name) {
    char whole[PATH_MAX];
    REAL(int, "unlink", const char *);
    int result = real(name);
    const char *path = absolute(name, whole);
    if (result == 0 && is_ours(path)) note(REMOVE, path, 0, "", 0);
    return result;
}

static int open_file(int at, const char *name, int flags, mode_t mode) {
    char whole[PATH_MAX];
    const char *path = directory && at == AT_FDCWD ? absolute(name, whole) : name;
    int creates = (flags & (O_CREAT | O_TRUNC)) && is_ours(path);
    if (creates && syscall(SYS_faccessat, AT_FDCWD, path, F_OK) && no_room()) return -1;
    int fd = syscall(SYS_openat, at, name, flags, mode);
    if (fd >= 0 && creates && (flags & O_TRUNC)) note(TRUNCATE, path, 0, "", 0);
    return fd;
}
#define OPEN(name) int name(const char *path, int flags, ...) { \
    va_list rest; va_start(rest, flags); mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; va_end(rest); \
    return open_file(AT_FDCWD, path, flags, mode); }
OPEN(open)
OPEN(open64)
#define OPEN_AT(name) int name(int at, const char *path, int flags, ...) { \
    va_list rest; va_start(rest, flags); mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; va_end(rest); \
    return open_file(at, path, flags, mode); }
OPEN_AT(openat)
OPEN_AT(openat64)

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = syscall(SYS_clock_gettime, clock, now);
    if (moved && result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += (time_t)*moved;
    return result;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *out) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (out) *out = exact.tv_sec;
    return exact.tv_sec;
}
