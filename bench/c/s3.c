#include "s3.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "answer.h"
#include "list.h"
#include "read.h"
#include "store.h"
#include "trace.h"

/* Objects up to this many bytes are remembered with their body, where they are no file. */
#define SMALL (1 << 20)
/* Begins what the store holds of unfinished uploads; no client's key does. */
#define UPLOAD "\001%s"

const char *s3_files;
int s3_keeps;
int s3_traces;

/* Copies the header lines whose names begin so. */
static void copy_headers(const struct request *r, const char *prefix, struct text *into) {
  size_t wanted = strlen(prefix);
  for (const char *line = r->head; *line != '\0';) {
    const char *end = strstr(line, "\r\n");
    if (end == NULL) break;
    if (strncasecmp(line, prefix, wanted) == 0) text_add(into, "%.*s\r\n", (int)(end - line), line);
    line = end + 2;
  }
}

/* Whether tablesnap keeps its states or its fence under a key or a prefix: the next run reads them. */
static int is_state(const char *key) {
  const char *own = strstr(key, ".tablesnap/");
  return own != NULL && strstr(own, "/versions/") == NULL;
}

/* Whether a request is about them. */
static int asks_state(const struct request *r) {
  char prefix[KEY_MAX];
  if (r->key[0] != '\0') return is_state(r->key);
  return request_parameter(r, "prefix", prefix, sizeof prefix) && is_state(prefix);
}

/* Decodes base64 to hex. @return whether it was the 16 bytes of an MD5 */
static int hex_of(const char *base64, char *into) {
  static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  unsigned int bits = 0, have = 0, bytes = 0;
  for (; *base64 != '\0' && *base64 != '=' && bytes < 16; base64++) {
    const char *found = strchr(ALPHABET, *base64);
    if (found == NULL) return 0;
    bits = (bits << 6 | (unsigned int)(found - ALPHABET)) & 0xffffff;
    have += 6;
    if (have < 8) continue;
    have -= 8;
    sprintf(into + 2 * bytes++, "%02x", bits >> have & 0xff);
  }
  return bytes == 16;
}

/* An ETag: the MD5 that the client itself states, as boto 2 insists on it; else something opaque. */
static void etag_of(const struct request *r, const char *key, char *into, size_t size) {
  char md5[64], hex[33];
  if (request_header(r, "content-md5", md5, sizeof md5) > 0 && hex_of(md5, hex)) {
    snprintf(into, size, "\"%s\"", hex);
    return;
  }
  uint64_t value = 14695981039346656037u;
  for (; *key != '\0'; key++) value = (value ^ (unsigned char)*key) * 1099511628211u;
  /* Not 32 digits: that would pass for the body's MD5, which nobody computes here. */
  snprintf(into, size, "\"sink-%016" PRIx64 "\"", value);
}

/* Reads past chunks and trailers. @return bytes of the chunks, or -1 */
static int64_t drain_chunks(struct conn *c) {
  int64_t total = 0;
  for (;;) {
    char *end;
    for (;;) {
      c->buffer[c->have] = '\0';
      end = strstr(c->buffer + c->at, "\r\n");
      if (end != NULL) break;
      if (conn_fill(c) <= 0) return -1;
    }
    char *line = c->buffer + c->at;
    c->at = (size_t)(end + 2 - c->buffer);
    uint64_t size = strtoull(line, NULL, 16);
    if (size == 0) break;
    if (conn_drain(c, size + 2) != 0) return -1;
    total += (int64_t)size;
  }
  /* Trailers, up to an empty line. */
  for (;;) {
    c->buffer[c->have] = '\0';
    char *end = strstr(c->buffer + c->at, "\r\n");
    if (end == NULL) {
      if (conn_fill(c) <= 0) return -1;
      continue;
    }
    int empty = end == c->buffer + c->at;
    c->at = (size_t)(end + 2 - c->buffer);
    if (empty) return total;
  }
}

/* Takes in a body. @param keep receives its bytes, or NULL @return bytes received, or -1 */
static int64_t take_body(struct conn *c, const struct request *r, char **keep) {
  if (r->waits && conn_write(c, "HTTP/1.1 100 Continue\r\n\r\n", 25) != 0) return -1;
  if (r->length < 0) return drain_chunks(c);
  if (keep == NULL) return conn_drain(c, (uint64_t)r->length) == 0 ? r->length : -1;
  *keep = malloc((size_t)r->length + 1);
  if (*keep == NULL) abort();
  if (conn_read(c, *keep, (size_t)r->length) != 0) {
    free(*keep);
    return -1;
  }
  return r->length;
}

static int put(struct conn *c, struct request *r) {
  char upload[256], name[300], number[16], etag[64];
  int part = request_parameter(r, "partNumber", number, sizeof number);
  request_parameter(r, "uploadId", upload, sizeof upload);
  char condition[16];
  int once = request_header(r, "if-none-match", condition, sizeof condition) >= 0;
  struct text echo = {0}, kept = {0};
  text_add(&echo, "%s", "");
  text_add(&kept, "%s", "");
  copy_headers(r, "x-amz-checksum-", &echo);
  etag_of(r, part ? number : r->key, etag, sizeof etag);
  if (!part) copy_headers(r, "x-amz-meta-", &kept);
  int small = s3_keeps && r->length <= SMALL && !is_file(r->key, r->object);
  int keeps = !part && r->length == (int64_t)r->object && (small || is_state(r->key));
  char *body = NULL;
  int64_t got = take_body(c, r, keeps ? &body : NULL);
  int result = -1;
  if (got >= (int64_t)r->object) {
    count(part ? PARTS : PUTS, 1);
    count(RECEIVED, (uint64_t)got);
    count(OBJECT_BYTES, r->object);
    snprintf(name, sizeof name, UPLOAD, upload);
    if (!part && once && store_has(r->key)) {
      free(body);
      result = answer_error(c, r, 412, "PreconditionFailed");
    } else {
      if (part) store_add(name, r->object);
      else {
        text_add(&kept, "%s", echo.bytes);
        store_put(r->key, r->object, kept.bytes, body);
      }
      text_add(&echo, "ETag: %s\r\n", etag);
      result = answer(c, r, 200, echo.bytes, NULL, 0);
      if (s3_traces && !part) trace(r->key);
    }
  }
  free(echo.bytes);
  free(kept.bytes);
  return result;
}

static int create(struct conn *c, struct request *r) {
  static _Atomic uint64_t next = 1;
  char name[64], id[32];
  snprintf(id, sizeof id, "upload%" PRIu64, atomic_fetch_add(&next, 1));
  struct text kept = {0}, body = {0};
  text_add(&kept, "%s", "");
  copy_headers(r, "x-amz-meta-", &kept);
  snprintf(name, sizeof name, UPLOAD, id);
  store_put(name, 0, kept.bytes, NULL);
  text_add(&body, "<InitiateMultipartUploadResult><Bucket>%s</Bucket><Key>", r->bucket);
  text_escape(&body, r->key, 0);
  text_add(&body, "</Key><UploadId>%s</UploadId></InitiateMultipartUploadResult>", id);
  int result = take_body(c, r, NULL) < 0
                   ? -1
                   : answer(c, r, 200, "Content-Type: application/xml\r\n", body.bytes, body.length);
  count(CREATES, 1);
  free(kept.bytes);
  free(body.bytes);
  return result;
}

static int complete(struct conn *c, struct request *r) {
  char upload[256], name[300], etag[64], crc64[64];
  struct object found;
  struct text kept = {0}, body = {0};
  text_add(&kept, "%s", "");
  copy_headers(r, "x-amz-checksum-", &kept);
  int has = request_header(r, "x-amz-checksum-crc64nvme", crc64, sizeof crc64) > 0;
  request_parameter(r, "uploadId", upload, sizeof upload);
  etag_of(r, r->key, etag, sizeof etag);
  if (take_body(c, r, NULL) < 0) return -1;
  count(COMPLETES, 1);
  snprintf(name, sizeof name, UPLOAD, upload);
  if (store_get(name, &found)) {
    text_add(&kept, "%s", found.headers);
    store_put(r->key, found.size, kept.bytes, NULL);
    store_delete(name);
    free(found.key);
    free(found.headers);
  }
  text_add(&body, "<CompleteMultipartUploadResult><Location>/</Location><Bucket>%s</Bucket><Key>", r->bucket);
  text_escape(&body, r->key, 0);
  text_add(&body, "</Key><ETag>%s</ETag>", etag);
  if (has)
    text_add(&body, "<ChecksumCRC64NVME>%s</ChecksumCRC64NVME><ChecksumType>FULL_OBJECT</ChecksumType>", crc64);
  text_add(&body, "</CompleteMultipartUploadResult>");
  int result = answer(c, r, 200, "Content-Type: application/xml\r\n", body.bytes, body.length);
  if (s3_traces) trace(r->key);
  free(kept.bytes);
  free(body.bytes);
  return result;
}

static int dispatch(struct conn *c, struct request *r) {
  char value[KEY_MAX];
  if (strcmp(r->method, "PUT") == 0 && r->key[0] != '\0') return put(c, r);
  if (strcmp(r->method, "POST") == 0 && request_parameter(r, "uploads", value, sizeof value)) return create(c, r);
  if (strcmp(r->method, "POST") == 0 && request_parameter(r, "uploadId", value, sizeof value)) return complete(c, r);
  if (take_body(c, r, NULL) < 0) return -1;
  if (strcmp(r->method, "HEAD") == 0 || strcmp(r->method, "GET") == 0) {
    int get = r->method[0] == 'G';
    if (r->key[0] == '\0') {
      count(get ? LISTS : HEADS, 1);
      return get ? list(c, r) : answer(c, r, 200, "x-amz-bucket-region: us-east-1\r\n", NULL, 0);
    }
    count(get ? GETS : HEADS, 1);
    return read_object(c, r);
  }
  if (strcmp(r->method, "DELETE") == 0) {
    count(DELETES, 1);
    if (!request_parameter(r, "uploadId", value, sizeof value)) store_delete(r->key);
    return answer(c, r, 204, "", NULL, 0);
  }
  count(OTHERS, 1);
  if (strcmp(r->method, "PUT") == 0) return answer(c, r, 200, "", NULL, 0);
  count(REFUSED, 1);
  return answer_error(c, r, 501, "NotImplemented");
}

void s3_serve(struct conn *c) {
  struct request request;
  count(CONNECTIONS, 1);
  while (request_read(c, &request) == 1) {
    count(REQUESTS, 1);
    if (asks_state(&request)) count(STATES, 1);
    if (request.carries) {
      if (request.checksum) count(CHECKSUMS, 1);
      if (request.crc64) count(CRC64S, 1);
      if (request.signs) count(SIGNED, 1);
    }
    int close = request.close;
    if (dispatch(c, &request) != 0 || close) break;
  }
}
