/* Loaded by LD_PRELOAD: file operations below a directory fail, or kill their process, on order.
 *
 * FAULT_ROOT names the directory, FAULT_PLAN a file with a `struct plan`, which all processes and
 * the test share. Each operation of a wanted kind takes the next number; those from `first` up to
 * `last` fail with `action` as their errno, or end their process by SIGKILL before anything is done
 * where `action` is KILL.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CREATE = 1, WRITE = 2, SYNC = 4, RENAME = 8, REMOVE = 16, READ = 32, LIST = 64 };
enum { KILL = -1 };

struct plan {
    _Atomic long seen, first, last, fired;
    _Atomic int kinds, action;
};

static struct plan *plan;
static char root[PATH_MAX];

__attribute__((constructor)) static void open_plan(void) {
    const char *file = getenv("FAULT_PLAN"), *below = getenv("FAULT_ROOT");
    if (!file || !below || strlen(below) >= sizeof root) return;
    int handle = open(file, O_RDWR | O_CLOEXEC);
    if (handle < 0) return;
    void *found = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, handle, 0);
    close(handle);
    if (found == MAP_FAILED) return;
    strcpy(root, below);
    plan = found;
}

static int is_below(const char *path) {
    size_t length = strlen(root);
    return !strncmp(path, root, length) && (path[length] == '/' || path[length] == '\0');
}

static int handle_is_below(int handle) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = '\0';
    return is_below(path);
}

static int place_is_below(int directory, const char *path) {
    if (path[0] == '/' || directory == AT_FDCWD) return is_below(path);
    return handle_is_below(directory);
}

/* Whether this operation fails; errno is set then. */
static int fails(int kind) {
    long number = atomic_fetch_add(&plan->seen, 1);
    if (number < plan->first || number >= plan->last || !(plan->kinds & kind)) return 0;
    atomic_fetch_add(&plan->fired, 1);
    if (plan->action == KILL) kill(getpid(), SIGKILL);
    errno = plan->action;
    return 1;
}

static int wanted(int kind) { return plan && (plan->kinds & kind); }

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAILS_AT(kind, directory, path) \
    (wanted(kind) && place_is_below(directory, path) && fails(kind))
#define FAILS_ON(kind, handle) (wanted(kind) && handle_is_below(handle) && fails(kind))

#define OPENAT(name)                                                       \
    int name(int directory, const char *path, int flags, ...) {            \
        va_list rest;                                                      \
        va_start(rest, flags);                                             \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                      \
        if (flags & O_CREAT && FAILS_AT(CREATE, directory, path)) return -1; \
        return NEXT(name)(directory, path, flags, mode);                   \
    }
OPENAT(openat)
OPENAT(openat64)

#define OPEN(name)                                                         \
    int name(const char *path, int flags, ...) {                           \
        va_list rest;                                                      \
        va_start(rest, flags);                                             \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                      \
        if (flags & O_CREAT && FAILS_AT(CREATE, AT_FDCWD, path)) return -1; \
        return NEXT(name)(path, flags, mode);                              \
    }
OPEN(open)
OPEN(open64)

int mkdir(const char *path, mode_t mode) {
    return FAILS_AT(CREATE, AT_FDCWD, path) ? -1 : NEXT(mkdir)(path, mode);
}

int mkdirat(int directory, const char *path, mode_t mode) {
    return FAILS_AT(CREATE, directory, path) ? -1 : NEXT(mkdirat)(directory, path, mode);
}

ssize_t write(int handle, const void *from, size_t size) {
    return FAILS_ON(WRITE, handle) ? -1 : NEXT(write)(handle, from, size);
}

ssize_t writev(int handle, const struct iovec *from, int count) {
    return FAILS_ON(WRITE, handle) ? -1 : NEXT(writev)(handle, from, count);
}

int fsync(int handle) {
    return FAILS_ON(SYNC, handle) ? -1 : NEXT(fsync)(handle);
}

int rename(const char *from, const char *to) {
    return FAILS_AT(RENAME, AT_FDCWD, to) ? -1 : NEXT(rename)(from, to);
}

int renameat(int source, const char *from, int target, const char *to) {
    return FAILS_AT(RENAME, target, to) ? -1 : NEXT(renameat)(source, from, target, to);
}

int unlink(const char *path) {
    return FAILS_AT(REMOVE, AT_FDCWD, path) ? -1 : NEXT(unlink)(path);
}

int unlinkat(int directory, const char *path, int flags) {
    return FAILS_AT(REMOVE, directory, path) ? -1 : NEXT(unlinkat)(directory, path, flags);
}

int rmdir(const char *path) {
    return FAILS_AT(REMOVE, AT_FDCWD, path) ? -1 : NEXT(rmdir)(path);
}

ssize_t read(int handle, void *to, size_t size) {
    return FAILS_ON(READ, handle) ? -1 : NEXT(read)(handle, to, size);
}

ssize_t pread(int handle, void *to, size_t size, off_t at) {
    return FAILS_ON(READ, handle) ? -1 : NEXT(pread)(handle, to, size, at);
}

ssize_t pread64(int handle, void *to, size_t size, off64_t at) {
    return FAILS_ON(READ, handle) ? -1 : NEXT(pread64)(handle, to, size, at);
}

DIR *fdopendir(int handle) {
    return FAILS_ON(LIST, handle) ? NULL : NEXT(fdopendir)(handle);
}

DIR *opendir(const char *path) {
    return FAILS_AT(LIST, AT_FDCWD, path) ? NULL : NEXT(opendir)(path);
}
