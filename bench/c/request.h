/* One HTTP request of S3's: what the sink needs of its head. */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdint.h>

#include "conn.h"

#define KEY_MAX 4096

struct request {
  char method[8];
  char bucket[256];
  char key[KEY_MAX]; /* decoded; empty: the bucket itself */
  char query[KEY_MAX * 2];
  char *head; /* the header lines, each with its CRLF, NUL-terminated; in the connection's buffer until the next fill */
  int64_t length;  /* of the body as sent; -1: chunked */
  uint64_t object; /* bytes of the object that the body carries, without aws-chunked's framing */
  int carries;     /* whether the body is an object's content */
  int close;       /* whether the client ends the connection after the answer */
  int waits;       /* whether it waits for 100 Continue */
  int checksum;    /* whether it carries Content-MD5 or an x-amz-checksum-… header, or announces one as a trailer */
  int crc64;       /* whether that is crc64nvme */
  int signs;       /* whether the payload's SHA-256 is signed */
};

/* Reads a head. @return 1, 0 at the end of the connection, -1 when it is no HTTP */
int request_read(struct conn *c, struct request *r);
/* Finds a header's value; names without regard to case. @return its length, or -1 */
int request_header(const struct request *r, const char *name, char *into, size_t size);
/* Copies a decoded query parameter. @return whether it is there, with or without a value */
int request_parameter(const struct request *r, const char *name, char *into, size_t size);
/* Decodes %XX, and + where `plus`. */
void percent_decode(const char *from, size_t length, char *into, size_t size, int plus);

#endif
