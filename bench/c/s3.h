/* What the sink answers: as much of S3 as the clients of this benchmark ask for. */
#ifndef S3_H
#define S3_H

#include "conn.h"
#include "request.h"

/* Objects whose path is below this folder are read from there; NULL: none. */
extern const char *s3_files;
/* Whether the bodies of small objects that are no files are kept, so that GET can give them back. */
extern int s3_keeps;
/* Whether the time of each PUT's answer is noted. */
extern int s3_traces;

enum counter {
  REQUESTS, PUTS, PARTS, CREATES, COMPLETES, HEADS, GETS, LISTS, DELETES, OTHERS, STATES,
  CHECKSUMS, CRC64S, SIGNED, RECEIVED, OBJECT_BYTES, SENT, REFUSED, CONNECTIONS, COUNTERS
};
void count(enum counter which, uint64_t by);
/* Prints all counters as JSON without the closing brace, and optionally sets them to 0. */
void print_counters(void);
void reset_counters(void);
/* Prints a line "monotonic-ns key" for each answer noted, and forgets them. */
void print_trace(void);

/* Serves requests until the client or an error ends the connection. */
void s3_serve(struct conn *c);

#endif
