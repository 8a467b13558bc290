/* A disk that fails: preloaded into a child process, it makes system calls on the outbox's files fail as a disk would.
   The file named by NIGHTDESK_TEST_DISK says how, as long as it exists: 'f' it is full, 's' it cannot sync. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static int fails(int fd, char how) {
    const char *trigger = getenv("NIGHTDESK_TEST_DISK");
    char word = 0, link[64], path[4096];
    if (!trigger) return 0;
    int file = (int)syscall(SYS_openat, AT_FDCWD, trigger, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    if (syscall(SYS_read, file, &word, 1) != 1) word = 0;
    syscall(SYS_close, file);
    if (word != how) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strstr(path, "/outbox") != NULL;
}

static ssize_t full(void) { errno = ENOSPC; return -1; }
static int broken(void) { errno = EIO; return -1; }

ssize_t write(int fd, const void *from, size_t count) {
    return fails(fd, 'f') ? full() : syscall(SYS_write, fd, from, count);
}
ssize_t pwrite(int fd, const void *from, size_t count, off_t at) {
    return fails(fd, 'f') ? full() : syscall(SYS_pwrite64, fd, from, count, at);
}
ssize_t pwrite64(int fd, const void *from, size_t count, off_t at) {
    return fails(fd, 'f') ? full() : syscall(SYS_pwrite64, fd, from, count, at);
}
int fsync(int fd) { return fails(fd, 's') ? broken() : (int)syscall(SYS_fsync, fd); }
int fdatasync(int fd) { return fails(fd, 's') ? broken() : (int)syscall(SYS_fdatasync, fd); }
