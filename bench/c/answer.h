/* How the sink answers a request. */
#ifndef ANSWER_H
#define ANSWER_H

#include "conn.h"
#include "request.h"

/* A string that grows. */
struct text {
  char *bytes;
  size_t length, capacity;
};
void text_add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds a string escaped for XML, or percent-encoded. */
void text_escape(struct text *t, const char *value, int url);

/* Sends a whole answer. @param headers lines with their CRLFs, or "" @return 0, or -1 when the client is gone */
int answer(struct conn *c, const struct request *r, int status, const char *headers, const char *body, size_t length);
/* Sends only a head that announces `length` bytes. */
int answer_head(struct conn *c, int status, const char *headers, uint64_t length);
int answer_error(struct conn *c, const struct request *r, int status, const char *code);

#endif
