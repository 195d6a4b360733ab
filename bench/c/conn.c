#include "conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef WITH_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>

static SSL_CTX *context;

int conn_tls(const char *certificate, const char *key) {
  context = SSL_CTX_new(TLS_server_method());
  if (context == NULL || SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
    ERR_print_errors_fp(stderr);
    return -1;
  }
  SSL_CTX_set_read_ahead(context, 1);
  /* Clients that end without a close_notify are no error here. */
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_id_context(context, (const unsigned char *)"sink", 4);
  return 0;
}
#else
int conn_tls(const char *certificate, const char *key) {
  (void)certificate, (void)key;
  return -1;
}
#endif

struct conn *conn_open(int fd) {
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct conn *c = malloc(sizeof *c);
  if (c == NULL) abort();
  c->fd = fd;
  c->tls = NULL;
  c->at = c->have = 0;
#ifdef WITH_TLS
  if (context != NULL) {
    c->tls = SSL_new(context);
    SSL_set_fd(c->tls, fd);
    if (SSL_accept(c->tls) != 1) {
      conn_close(c);
      return NULL;
    }
  }
#endif
  return c;
}

void conn_close(struct conn *c) {
#ifdef WITH_TLS
  if (c->tls != NULL) {
    SSL_shutdown(c->tls);
    SSL_free(c->tls);
    ERR_clear_error();
  }
#endif
  close(c->fd);
  free(c);
}

static ssize_t receive(struct conn *c, char *into, size_t bytes) {
#ifdef WITH_TLS
  if (c->tls != NULL) {
    int got = SSL_read(c->tls, into, bytes > (1 << 30) ? 1 << 30 : (int)bytes);
    return got > 0 ? got : 0;
  }
#endif
  for (;;) {
    ssize_t got = recv(c->fd, into, bytes, 0);
    if (got >= 0 || errno != EINTR) return got < 0 ? 0 : got;
  }
}

ssize_t conn_fill(struct conn *c) {
  if (c->at > 0) {
    memmove(c->buffer, c->buffer + c->at, c->have - c->at);
    c->have -= c->at;
    c->at = 0;
  }
  if (c->have == CONN_BUFFER) return 0;
  ssize_t got = receive(c, c->buffer + c->have, CONN_BUFFER - c->have);
  if (got > 0) c->have += (size_t)got;
  return got;
}

static size_t buffered(struct conn *c, uint64_t bytes) {
  size_t here = c->have - c->at;
  return here < bytes ? here : (size_t)bytes;
}

int conn_drain(struct conn *c, uint64_t bytes) {
  size_t here = buffered(c, bytes);
  c->at += here;
  bytes -= here;
  while (bytes > 0) {
    ssize_t got;
    if (c->tls != NULL) {
      /* What is encrypted has to be decrypted; the buffer is empty here. */
      got = receive(c, c->buffer, bytes < CONN_BUFFER ? (size_t)bytes : CONN_BUFFER);
    } else {
      /* tcp(7): MSG_TRUNC discards received bytes instead of copying them. */
      size_t want = bytes < (1 << 20) ? (size_t)bytes : (1 << 20);
      got = recv(c->fd, NULL, want, MSG_TRUNC);
      if (got < 0 && errno == EINTR) continue;
    }
    if (got <= 0) return -1;
    bytes -= (uint64_t)got;
  }
  return 0;
}

int conn_read(struct conn *c, char *into, size_t bytes) {
  size_t here = buffered(c, bytes);
  memcpy(into, c->buffer + c->at, here);
  c->at += here;
  for (size_t done = here; done < bytes;) {
    ssize_t got = receive(c, into + done, bytes - done);
    if (got <= 0) return -1;
    done += (size_t)got;
  }
  return 0;
}

int conn_write(struct conn *c, const char *from, size_t bytes) {
#ifdef WITH_TLS
  if (c->tls != NULL) return bytes == 0 || SSL_write(c->tls, from, (int)bytes) > 0 ? 0 : -1;
#endif
  for (size_t done = 0; done < bytes;) {
    ssize_t sent = send(c->fd, from + done, bytes - done, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return -1;
    done += (size_t)sent;
  }
  return 0;
}

int conn_sendfile(struct conn *c, int file, uint64_t offset, uint64_t bytes) {
  if (c->tls != NULL) {
    char piece[64 * 1024];
    while (bytes > 0) {
      ssize_t got = pread(file, piece, bytes < sizeof piece ? (size_t)bytes : sizeof piece, (off_t)offset);
      if (got <= 0 || conn_write(c, piece, (size_t)got) != 0) return -1;
      offset += (uint64_t)got;
      bytes -= (uint64_t)got;
    }
    return 0;
  }
  off_t at = (off_t)offset;
  while (bytes > 0) {
    ssize_t sent = sendfile(c->fd, file, &at, bytes < (1 << 30) ? (size_t)bytes : (1 << 30));
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return -1;
    bytes -= (uint64_t)sent;
  }
  return 0;
}
