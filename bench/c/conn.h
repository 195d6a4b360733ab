/* One connection of the sink: plain or TLS, with a buffer for what is parsed and a way past what is not. */
#ifndef CONN_H
#define CONN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CONN_BUFFER (64 * 1024)

struct conn {
  int fd;
  void *tls; /* SSL *, or NULL */
  size_t at, have;
  char buffer[CONN_BUFFER + 1];
};

/* Sets up TLS for all connections that follow. @return 0, or -1 where the program was compiled without */
int conn_tls(const char *certificate, const char *key);
/* Takes over a descriptor. @return NULL when the handshake failed */
struct conn *conn_open(int fd);
void conn_close(struct conn *c);
/* Reads more into the buffer. @return bytes; 0 at the end */
ssize_t conn_fill(struct conn *c);
/* Skips bytes of the stream; over plain TCP without copying them. @return -1 when the stream ends before */
int conn_drain(struct conn *c, uint64_t bytes);
/* Reads exactly so many bytes. */
int conn_read(struct conn *c, char *into, size_t bytes);
int conn_write(struct conn *c, const char *from, size_t bytes);
/* Sends a piece of a file; over plain TCP without copying it. */
int conn_sendfile(struct conn *c, int file, uint64_t offset, uint64_t bytes);

#endif
