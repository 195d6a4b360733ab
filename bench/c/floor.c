/*
 * The floor: the least that a client can do. One connection, 256 KiB at a time, no checksum, no signature.
 *   floor put PORT FILE [CERTIFICATE]
 *   floor get PORT KEY FOLDER [CERTIFICATE]
 * put: reads FILE and sends it as one object. get: receives an object and writes it to FOLDER/floor. With a certificate over TLS, which it verifies. Everything is on 127.0.0.1.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef WITH_TLS
#include <openssl/ssl.h>
static SSL *tls;
#endif

#define PIECE (256 * 1024)

static int fd;
static char piece[PIECE + 1];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void connect_to(int port, const char *certificate) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("connect");
  if (certificate == NULL) return;
#ifdef WITH_TLS
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  if (SSL_CTX_load_verify_locations(context, certificate, NULL) != 1) fail(certificate);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  tls = SSL_new(context);
  SSL_set_fd(tls, fd);
  if (SSL_connect(tls) != 1) fail("TLS");
#else
  fprintf(stderr, "floor: compiled without OpenSSL\n");
  exit(1);
#endif
}

static void send_all(const char *from, size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    ssize_t sent;
#ifdef WITH_TLS
    if (tls != NULL) sent = SSL_write(tls, from + done, (int)(bytes - done));
    else
#endif
      sent = send(fd, from + done, bytes - done, MSG_NOSIGNAL);
    if (sent <= 0) fail("send");
    done += (size_t)sent;
  }
}

static size_t receive(char *into, size_t bytes) {
  ssize_t got;
#ifdef WITH_TLS
  if (tls != NULL) got = SSL_read(tls, into, (int)bytes);
  else
#endif
    got = recv(fd, into, bytes, 0);
  if (got <= 0) fail("receive");
  return (size_t)got;
}

/* Reads an answer's head. @return what came of the body with it, at the start of `piece` */
static size_t head(uint64_t *length) {
  size_t have = 0;
  char *end;
  do {
    have += receive(piece + have, PIECE - have);
    piece[have] = '\0';
    end = strstr(piece, "\r\n\r\n");
  } while (end == NULL);
  char *size = strcasestr(piece, "content-length: ");
  if (strncmp(piece, "HTTP/1.1 200", 12) != 0 || size == NULL) {
    fprintf(stderr, "floor: refused: %.60s\n", piece);
    exit(1);
  }
  *length = strtoull(size + 16, NULL, 10);
  size_t body = have - (size_t)(end + 4 - piece);
  memmove(piece, end + 4, body);
  return body;
}

static void put(const char *path) {
  char request[4096];
  struct stat info;
  uint64_t length;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0 || fstat(file, &info) != 0) fail(path);
  int bytes = snprintf(request, sizeof request,
                       "PUT /bench/floor HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %" PRIu64 "\r\n\r\n",
                       (uint64_t)info.st_size);
  send_all(request, (size_t)bytes);
  for (uint64_t left = (uint64_t)info.st_size; left > 0;) {
    ssize_t got = read(file, piece, PIECE);
    if (got <= 0) fail(path);
    send_all(piece, (size_t)got);
    left -= (uint64_t)got;
  }
  head(&length);
}

static void get(const char *key, const char *folder) {
  char request[8192];
  uint64_t left;
  snprintf(request, sizeof request, "%s/floor", folder);
  int file = open(request, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) fail(request);
  int bytes = snprintf(request, sizeof request, "GET /bench/%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", key);
  send_all(request, (size_t)bytes);
  size_t here = head(&left);
  for (;;) {
    if (write(file, piece, here) != (ssize_t)here) fail("write");
    left -= here;
    if (left == 0) break;
    here = receive(piece, left < PIECE ? (size_t)left : PIECE);
  }
}

int main(int argc, char **argv) {
  int gets = argc > 4 && strcmp(argv[1], "get") == 0;
  int own = gets ? 5 : 4;
  if (argc < own || argc > own + 1) {
    fprintf(stderr, "usage: floor put PORT FILE [CERTIFICATE] | floor get PORT KEY FOLDER [CERTIFICATE]\n");
    return 2;
  }
  connect_to(atoi(argv[2]), argc > own ? argv[own] : NULL);
  if (gets) get(argv[3], argv[4]);
  else put(argv[3]);
  return 0;
}
