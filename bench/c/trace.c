#include "trace.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "s3.h"

struct note {
  struct note *next;
  int64_t at;
  char key[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct note *first, **last = &first;

void trace(const char *key) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  struct note *note = malloc(sizeof *note + strlen(key) + 1);
  if (note == NULL) abort();
  note->next = NULL;
  note->at = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
  strcpy(note->key, key);
  pthread_mutex_lock(&lock);
  *last = note;
  last = &note->next;
  pthread_mutex_unlock(&lock);
}

void print_trace(void) {
  pthread_mutex_lock(&lock);
  struct note *note = first;
  first = NULL;
  last = &first;
  pthread_mutex_unlock(&lock);
  while (note != NULL) {
    struct note *next = note->next;
    printf("%" PRId64 " %s\n", note->at, note->key);
    free(note);
    note = next;
  }
}
