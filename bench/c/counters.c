#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "s3.h"

static _Atomic uint64_t counters[COUNTERS];
static const char *const NAMES[COUNTERS] = {
    "requests", "puts",    "parts",     "creates",  "completes", "heads",       "gets",
    "lists",    "deletes", "others",    "states",    "checksums", "crc64s",     "signed",
    "received", "objectBytes", "sent",  "refused",   "connections"};

void count(enum counter which, uint64_t by) { atomic_fetch_add_explicit(&counters[which], by, memory_order_relaxed); }

void print_counters(void) {
  for (int at = 0; at < COUNTERS; at++)
    printf("%s\"%s\":%" PRIu64, at == 0 ? "{" : ",", NAMES[at], atomic_load(&counters[at]));
}

void reset_counters(void) {
  for (int at = 0; at < COUNTERS; at++) atomic_store(&counters[at], 0);
}
