#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* poll(2) says of a pipe that is not full that it takes PIPE_BUF bytes, and of a terminal no more than that it takes some. */
enum { PIPE_PIECE = PIPE_BUF, TERMINAL_PIECE = 64 };

static ssize_t write_if_ready(int fd, const uint8_t *data, size_t length) {
  struct pollfd asked = {.fd = fd, .events = POLLOUT};
  int ready = poll(&asked, 1, 0);
  if (ready < 0) return -1;
  if (ready == 0) {
    errno = EAGAIN;
    return -1;
  }
  return write(fd, data, length);
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* A terminal that is opened once more has flags of its own. */
static ssize_t write_to_device(int fd, const uint8_t *data, size_t length) {
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  /* After su(1) it belongs to somebody else. */
  if (own < 0) return write_if_ready(fd, data, smaller(length, TERMINAL_PIECE));
  ssize_t count = write(own, data, length);
  int error = errno;
  close(own);
  errno = error;
  return count;
}

ssize_t output_write(int fd, const uint8_t *data, size_t length) {
  struct stat stat;
  if (fstat(fd, &stat) != 0) return -1;
  if (S_ISSOCK(stat.st_mode)) return send(fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (!S_ISFIFO(stat.st_mode) && !S_ISCHR(stat.st_mode)) return write(fd, data, length);
  int flags = fcntl(fd, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) != 0) return write(fd, data, length);
  if (S_ISCHR(stat.st_mode)) return write_to_device(fd, data, length);
  return write_if_ready(fd, data, smaller(length, PIPE_PIECE));
}

int output_connect(const char *path, bool datagram) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address.sun_path, path);
  socklen_t length = sizeof address;
  if (path[0] == '@') {
    /* Bytes after the name would belong to it. */
    address.sun_path[0] = '\0';
    length = offsetof(struct sockaddr_un, sun_path) + strlen(path);
  }
  int fd = socket(AF_UNIX, (datagram ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  if (connect(fd, (struct sockaddr *)&address, length) == 0) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}
