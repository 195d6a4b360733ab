#include "request.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void percent_decode(const char *from, size_t length, char *into, size_t size, int plus) {
  size_t out = 0;
  for (size_t at = 0; at < length && out + 1 < size; at++) {
    unsigned int byte;
    char hex[3] = {0};
    if (from[at] == '%' && at + 2 < length && isxdigit((unsigned char)from[at + 1])) {
      memcpy(hex, from + at + 1, 2);
      byte = (unsigned int)strtoul(hex, NULL, 16);
      at += 2;
    } else {
      byte = plus && from[at] == '+' ? ' ' : (unsigned char)from[at];
    }
    into[out++] = (char)byte;
  }
  into[out] = '\0';
}

static const char *header(const struct request *r, const char *name, size_t *length) {
  size_t wanted = strlen(name);
  for (const char *line = r->head; *line != '\0';) {
    const char *end = strstr(line, "\r\n");
    if (end == NULL) break;
    if (strncasecmp(line, name, wanted) == 0 && line[wanted] == ':') {
      const char *value = line + wanted + 1;
      while (value < end && (*value == ' ' || *value == '\t')) value++;
      *length = (size_t)(end - value);
      return value;
    }
    line = end + 2;
  }
  return NULL;
}

int request_header(const struct request *r, const char *name, char *into, size_t size) {
  size_t length = 0;
  const char *value = header(r, name, &length);
  if (value == NULL) return -1;
  if (length >= size) length = size - 1;
  memcpy(into, value, length);
  into[length] = '\0';
  return (int)length;
}

int request_parameter(const struct request *r, const char *name, char *into, size_t size) {
  size_t wanted = strlen(name);
  into[0] = '\0';
  for (const char *at = r->query; *at != '\0';) {
    size_t length = strcspn(at, "&");
    if (strncmp(at, name, wanted) == 0 && (wanted == length || at[wanted] == '=')) {
      if (length > wanted) percent_decode(at + wanted + 1, length - wanted - 1, into, size, 1);
      return 1;
    }
    at += length + (at[length] == '&');
  }
  return 0;
}

static int announces_crc64(const struct request *r) {
  char value[128];
  return request_header(r, "x-amz-checksum-crc64nvme", value, sizeof value) >= 0 ||
         (request_header(r, "x-amz-trailer", value, sizeof value) >= 0 && strcasestr(value, "crc64nvme") != NULL);
}

static void read_body_headers(struct request *r) {
  char value[256];
  r->length = 0;
  if (request_header(r, "transfer-encoding", value, sizeof value) >= 0 && strcasestr(value, "chunked") != NULL)
    r->length = -1;
  else if (request_header(r, "content-length", value, sizeof value) >= 0)
    r->length = strtoll(value, NULL, 10);
  r->object = r->length < 0 ? 0 : (uint64_t)r->length;
  if (request_header(r, "x-amz-decoded-content-length", value, sizeof value) >= 0)
    r->object = strtoull(value, NULL, 10);
  r->close = request_header(r, "connection", value, sizeof value) >= 0 && strcasestr(value, "close") != NULL;
  r->waits = request_header(r, "expect", value, sizeof value) >= 0;
  r->crc64 = announces_crc64(r);
  r->checksum = r->crc64 || request_header(r, "x-amz-trailer", value, sizeof value) >= 0 ||
                request_header(r, "content-md5", value, sizeof value) >= 0 ||
                strcasestr(r->head, "\r\nx-amz-checksum-") != NULL ||
                strncasecmp(r->head, "x-amz-checksum-", 15) == 0;
  r->signs = request_header(r, "x-amz-content-sha256", value, sizeof value) == 64 ||
             strncmp(value, "STREAMING-AWS4", 14) == 0;
}

int request_read(struct conn *c, struct request *r) {
  char *end;
  for (;;) {
    c->buffer[c->have] = '\0';
    end = strstr(c->buffer + c->at, "\r\n\r\n");
    if (end != NULL) break;
    if (conn_fill(c) <= 0) return c->have == c->at ? 0 : -1;
  }
  char *line = c->buffer + c->at;
  char *first = strstr(line, "\r\n");
  *first = '\0';
  /* The last header line keeps its CRLF; the empty line after it ends the head. */
  end[2] = '\0';
  r->head = first == end ? end + 2 : first + 2;
  c->at = (size_t)(end + 4 - c->buffer);

  char *target = strchr(line, ' ');
  if (target == NULL || target - line >= (long)sizeof r->method) return -1;
  memcpy(r->method, line, (size_t)(target - line));
  r->method[target - line] = '\0';
  target++;
  /* A client that takes this for its proxy names the server as well. */
  if (strncmp(target, "http://", 7) == 0) target += 7 + strcspn(target + 7, "/ ");
  size_t path = strcspn(target, "? ");
  r->query[0] = '\0';
  if (target[path] == '?') {
    size_t length = strcspn(target + path + 1, " ");
    if (length >= sizeof r->query) return -1;
    memcpy(r->query, target + path + 1, length);
    r->query[length] = '\0';
  }
  size_t slash = path > 1 ? 1 + strcspn(target + 1, "/? ") : path;
  percent_decode(target + 1, slash > 0 ? slash - 1 : 0, r->bucket, sizeof r->bucket, 0);
  r->key[0] = '\0';
  if (slash < path) percent_decode(target + slash + 1, path - slash - 1, r->key, sizeof r->key, 0);
  read_body_headers(r);
  r->carries = strcmp(r->method, "PUT") == 0 && r->key[0] != '\0';
  return 1;
}
