/* A disk that is full while the file $FULL_DISK exists: for LD_PRELOAD, where no small one may be mounted. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

static int full(void) {
    const char *flag = getenv("FULL_DISK");
    return flag != NULL && access(flag, F_OK) == 0;
}

#define WRITES(name, offset_type)                                                                      \
    ssize_t name(int fd, const void *data, size_t size, offset_type offset) {                          \
        ssize_t (*real)(int, const void *, size_t, offset_type) = dlsym(RTLD_NEXT, #name);             \
        if (full()) { errno = ENOSPC; return -1; }                                                     \
        return real(fd, data, size, offset);                                                           \
    }
WRITES(pwrite, off_t)
WRITES(pwrite64, off64_t)

#define TAKES(name, offset_type)                                                                       \
    int name(int fd, offset_type offset, offset_type size) {                                           \
        int (*real)(int, offset_type, offset_type) = dlsym(RTLD_NEXT, #name);                          \
        return full() ? ENOSPC : real(fd, offset, size);                                               \
    }
TAKES(posix_fallocate, off_t)
TAKES(posix_fallocate64, off64_t)

#define MAKES(name)                                                                                    \
    int name(const char *path, int flags, ...) {                                                       \
        int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, #name);                                 \
        if (!(flags & O_CREAT)) return real(path, flags);                                              \
        va_list rest;                                                                                  \
        va_start(rest, flags);                                                                         \
        mode_t mode = va_arg(rest, mode_t);                                                            \
        va_end(rest);                                                                                  \
        if (full()) { errno = ENOSPC; return -1; }                                                     \
        return real(path, flags, mode);                                                                \
    }
MAKES(open)
MAKES(open64)
