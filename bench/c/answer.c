#include "answer.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void room(struct text *t, size_t more) {
  if (t->length + more + 1 <= t->capacity) return;
  t->capacity = (t->length + more + 1) * 2;
  t->bytes = realloc(t->bytes, t->capacity);
  if (t->bytes == NULL) abort();
}

void text_add(struct text *t, const char *format, ...) {
  va_list values, again;
  va_start(values, format);
  va_copy(again, values);
  int length = vsnprintf(NULL, 0, format, values);
  room(t, (size_t)length);
  vsnprintf(t->bytes + t->length, (size_t)length + 1, format, again);
  t->length += (size_t)length;
  va_end(again);
  va_end(values);
}

static void push(struct text *t, char byte) {
  room(t, 1);
  t->bytes[t->length++] = byte;
  t->bytes[t->length] = '\0';
}

void text_escape(struct text *t, const char *value, int url) {
  for (; *value != '\0'; value++) {
    unsigned char byte = (unsigned char)*value;
    if (url && !isalnum(byte) && strchr("-_.~/*", byte) == NULL) text_add(t, "%%%02X", byte);
    else if (url) push(t, *value);
    else if (byte == '&') text_add(t, "&amp;");
    else if (byte == '<') text_add(t, "&lt;");
    else if (byte == '>') text_add(t, "&gt;");
    else if (byte < ' ') text_add(t, "&#%d;", byte);
    else push(t, *value);
  }
}

static const char *reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 404: return "Not Found";
    case 412: return "Precondition Failed";
    case 416: return "Range Not Satisfiable";
    default: return "Not Implemented";
  }
}

static int head_of(char *into, size_t size, int status, const char *headers, uint64_t length) {
  char date[64];
  time_t now = time(NULL);
  struct tm parts;
  strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &parts));
  return snprintf(into, size,
                  "HTTP/1.1 %d %s\r\nDate: %s\r\nServer: null-sink\r\nx-amz-request-id: 0\r\n%sContent-Length: %" PRIu64
                  "\r\n\r\n",
                  status, reason(status), date, headers, length);
}

int answer_head(struct conn *c, int status, const char *headers, uint64_t length) {
  char head[8192];
  int bytes = head_of(head, sizeof head, status, headers, length);
  return bytes < (int)sizeof head ? conn_write(c, head, (size_t)bytes) : -1;
}

int answer(struct conn *c, const struct request *r, int status, const char *headers, const char *body, size_t length) {
  if (strcmp(r->method, "HEAD") == 0) return answer_head(c, status, headers, length);
  /* One write for both: a second one would wait for the first's acknowledgement. */
  size_t size = strlen(headers) + length + 1024;
  char *whole = malloc(size);
  if (whole == NULL) abort();
  int bytes = head_of(whole, size, status, headers, length);
  if (length > 0) memcpy(whole + bytes, body, length);
  int result = conn_write(c, whole, (size_t)bytes + length);
  free(whole);
  return result;
}

int answer_error(struct conn *c, const struct request *r, int status, const char *code) {
  char body[256];
  if (strcmp(r->method, "HEAD") == 0) return answer_head(c, status, "", 0);
  int length = snprintf(body, sizeof body,
                        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>%s</Code><Message>%s</Message></Error>",
                        code, code);
  return answer(c, r, status, "Content-Type: application/xml\r\n", body, (size_t)length);
}
