#include "read.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "answer.h"
#include "s3.h"
#include "store.h"

static const char *path_of(const char *key) {
  const char *colon = strchr(key, ':');
  if (s3_files == NULL || colon == NULL) return NULL;
  size_t length = strlen(s3_files);
  const char *path = colon + 1;
  if (strncmp(path, s3_files, length) != 0 || path[length] != '/' || strstr(path, "/../") != NULL) return NULL;
  return path;
}

int is_file(const char *key, uint64_t size) {
  struct stat info;
  const char *path = path_of(key);
  return path != NULL && stat(path, &info) == 0 && S_ISREG(info.st_mode) && (uint64_t)info.st_size == size;
}

static int send_content(struct conn *c, const struct object *object, uint64_t from, uint64_t bytes) {
  count(SENT, bytes);
  if (bytes == 0) return 0;
  if (object->body != NULL) return conn_write(c, object->body + from, (size_t)bytes);
  const char *path = path_of(object->key);
  int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  /* The head promised more: only ending the connection tells the client. */
  if (file < 0) return -1;
  int result = conn_sendfile(c, file, from, bytes);
  close(file);
  return result;
}

int read_object(struct conn *c, struct request *r) {
  struct object object;
  char range[128], date[64], headers[6144];
  int ranged = request_header(r, "range", range, sizeof range) > 0 && strncmp(range, "bytes=", 6) == 0;
  if (!store_get(r->key, &object)) return answer_error(c, r, 404, "NoSuchKey");
  uint64_t from = 0, to = object.size == 0 ? 0 : object.size - 1;
  if (ranged && object.size > 0) {
    char *end;
    if (range[6] == '-') {
      uint64_t tail = strtoull(range + 7, NULL, 10);
      from = tail < object.size ? object.size - tail : 0;
    } else {
      from = strtoull(range + 6, &end, 10);
      if (*end == '-' && end[1] != '\0') to = strtoull(end + 1, NULL, 10);
      if (to >= object.size) to = object.size - 1;
    }
  }
  int result;
  if (ranged && (from > to || object.size == 0)) {
    result = answer_error(c, r, 416, "InvalidRange");
  } else {
    struct tm parts;
    time_t time = (time_t)object.time;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&time, &parts));
    uint64_t bytes = object.size == 0 ? 0 : to - from + 1;
    int length = snprintf(headers, sizeof headers,
                          "ETag: \"sink\"\r\nLast-Modified: %s\r\nAccept-Ranges: bytes\r\n"
                          "Content-Type: application/octet-stream\r\n",
                          date);
    if (ranged)
      length += snprintf(headers + length, sizeof headers - (size_t)length,
                         "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n", from, to, object.size);
    /* As S3: a range is told no checksum of the whole. */
    else if (strlen(object.headers) < sizeof headers - (size_t)length)
      strcpy(headers + length, object.headers);
    result = answer_head(c, ranged ? 206 : 200, headers, bytes);
    if (result == 0 && r->method[0] == 'G') result = send_content(c, &object, from, bytes);
  }
  free(object.key);
  free(object.headers);
  free(object.body);
  return result;
}
