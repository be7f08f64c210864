/* Lets the n-th operation of one kind on files below a folder fail, in this process and those it forks; for LD_PRELOAD.
 *
 * fail_at(kind, n, folder, once): kind 'w' writes, 'r' renames, 's' forces to the disk; n from 1, 0 lets all succeed.
 * From the n-th on all fail, as on a disk that is full; with `once` that one alone. operations(kind): how many there were
 * since, those of forked processes among them. fail_with(error): with what, in place of ENOSPC for writes and EIO for
 * the others. Processes that are started read the same from FAILING_WRITES, "kind:n:once:error:folder".
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int kind, position, none[128], *seen = none, only_once, given_error;
static char folder[PATH_MAX];

void fail_at(int k, int n, const char *below, int once) {
    kind = k, position = n, only_once = once, given_error = 0;
    memset(seen, 0, sizeof none);
    strncpy(folder, below, sizeof folder - 1);
}

void fail_with(int error) { given_error = error; }

__attribute__((constructor)) static void begin(void) {
    char k, below[PATH_MAX];
    int n, once, error;
    const char *given = getenv("FAILING_WRITES");
    void *shared = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared != MAP_FAILED) seen = shared;
    if (given && sscanf(given, "%c:%d:%d:%d:%4095s", &k, &n, &once, &error, below) == 5) {
        fail_at(k, n, below, once);
        fail_with(error);
    }
}

int operations(int k) { return seen[k]; }

static int below(const char *path) { return folder[0] && strncmp(path, folder, strlen(folder)) == 0; }

static int below_fd(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return below(path);
}

static int fails(int k, int error) {
    int n = __sync_add_and_fetch(&seen[k], 1);
    if (k != kind || !position || n < position || (only_once && n > position)) return 0;
    errno = given_error ? given_error : error;
    return 1;
}

#define REAL(name) static __typeof__(name) *real; if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *buffer, size_t size) {
    REAL(write);
    return below_fd(fd) && fails('w', ENOSPC) ? -1 : real(fd, buffer, size);
}
ssize_t pwrite(int fd, const void *buffer, size_t size, off_t at) {
    REAL(pwrite);
    return below_fd(fd) && fails('w', ENOSPC) ? -1 : real(fd, buffer, size, at);
}
ssize_t pwrite64(int fd, const void *buffer, size_t size, off64_t at) {
    REAL(pwrite64);
    return below_fd(fd) && fails('w', ENOSPC) ? -1 : real(fd, buffer, size, at);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(writev);
    return below_fd(fd) && fails('w', ENOSPC) ? -1 : real(fd, parts, count);
}
int fsync(int fd) {
    REAL(fsync);
    return below_fd(fd) && fails('s', EIO) ? -1 : real(fd);
}
int fdatasync(int fd) {
    REAL(fdatasync);
    return below_fd(fd) && fails('s', EIO) ? -1 : real(fd);
}
int rename(const char *from, const char *to) {
    REAL(rename);
    char absolute[PATH_MAX];
    if (to[0] != '/' && getcwd(absolute, sizeof absolute)) {
        strncat(absolute, "/", sizeof absolute - strlen(absolute) - 1);
        strncat(absolute, to, sizeof absolute - strlen(absolute) - 1);
    } else {
        strncpy(absolute, to, sizeof absolute - 1);
    }
    return below(absolute) && fails('r', EIO) ? -1 : real(from, to);
}
