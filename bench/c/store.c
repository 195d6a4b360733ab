#include "store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* An open-addressing table of pointers, and the same pointers by key for LIST. */
static struct object **table;
static size_t capacity, used, count;
static struct object **sorted;
static size_t sorted_count;
static int stale;
static struct object tombstone;

static uint64_t hash(const char *key) {
  uint64_t value = 14695981039346656037u; /* FNV-1a */
  for (; *key != '\0'; key++) value = (value ^ (unsigned char)*key) * 1099511628211u;
  return value;
}

static struct object **slot(const char *key) {
  struct object **first = NULL;
  for (size_t at = hash(key) & (capacity - 1);; at = (at + 1) & (capacity - 1)) {
    if (table[at] == NULL) return first != NULL ? first : &table[at];
    if (table[at] == &tombstone) {
      if (first == NULL) first = &table[at];
    } else if (strcmp(table[at]->key, key) == 0) {
      return &table[at];
    }
  }
}

static void grow(void) {
  if (capacity > 0 && used * 2 < capacity) return;
  struct object **old = table;
  size_t before = capacity;
  capacity = before == 0 ? 1024 : count * 4 > before ? before * 2 : before;
  table = calloc(capacity, sizeof *table);
  if (table == NULL) abort();
  used = count;
  for (size_t at = 0; at < before; at++)
    if (old[at] != NULL && old[at] != &tombstone) *slot(old[at]->key) = old[at];
  free(old);
}

static void discard(struct object *object) {
  free(object->key);
  free(object->headers);
  free(object->body);
  free(object);
}

static struct object *find(const char *key) {
  if (capacity == 0) return NULL;
  struct object *object = *slot(key);
  return object == &tombstone ? NULL : object;
}

static struct object *make(const char *key) {
  grow();
  struct object **place = slot(key);
  if (*place == NULL || *place == &tombstone) {
    if (*place == NULL) used++;
    count++;
    stale = 1;
    *place = calloc(1, sizeof **place);
    if (*place == NULL) abort();
    (*place)->key = strdup(key);
  }
  (*place)->time = (int64_t)time(NULL);
  return *place;
}

void store_put(const char *key, uint64_t size, const char *headers, char *body) {
  pthread_mutex_lock(&lock);
  struct object *object = make(key);
  object->size = size;
  free(object->headers);
  object->headers = strdup(headers);
  free(object->body);
  object->body = body;
  pthread_mutex_unlock(&lock);
}

void store_add(const char *upload, uint64_t size) {
  pthread_mutex_lock(&lock);
  make(upload)->size += size;
  pthread_mutex_unlock(&lock);
}

int store_get(const char *key, struct object *copy) {
  pthread_mutex_lock(&lock);
  struct object *object = find(key);
  if (object != NULL) {
    *copy = *object;
    copy->key = strdup(object->key);
    copy->headers = strdup(object->headers == NULL ? "" : object->headers);
    copy->body = NULL;
    if (object->body != NULL) {
      copy->body = malloc(object->size + 1);
      if (copy->body == NULL) abort();
      memcpy(copy->body, object->body, object->size);
    }
  }
  pthread_mutex_unlock(&lock);
  return object != NULL;
}

int store_has(const char *key) {
  pthread_mutex_lock(&lock);
  int found = find(key) != NULL;
  pthread_mutex_unlock(&lock);
  return found;
}

void store_delete(const char *key) {
  pthread_mutex_lock(&lock);
  if (find(key) != NULL) {
    struct object **place = slot(key);
    discard(*place);
    *place = &tombstone;
    count--;
    stale = 1;
  }
  pthread_mutex_unlock(&lock);
}

void store_clear(void) {
  pthread_mutex_lock(&lock);
  for (size_t at = 0; at < capacity; at++)
    if (table[at] != NULL && table[at] != &tombstone) discard(table[at]);
  free(table);
  free(sorted);
  table = sorted = NULL;
  capacity = used = count = sorted_count = 0;
  stale = 0;
  pthread_mutex_unlock(&lock);
}

size_t store_count(void) {
  pthread_mutex_lock(&lock);
  size_t now = count;
  pthread_mutex_unlock(&lock);
  return now;
}

static int by_key(const void *a, const void *b) {
  return strcmp((*(struct object *const *)a)->key, (*(struct object *const *)b)->key);
}

static void sort(void) {
  if (!stale) return;
  free(sorted);
  sorted = malloc((count + 1) * sizeof *sorted);
  if (sorted == NULL) abort();
  sorted_count = 0;
  for (size_t at = 0; at < capacity; at++)
    if (table[at] != NULL && table[at] != &tombstone) sorted[sorted_count++] = table[at];
  qsort(sorted, sorted_count, sizeof *sorted, by_key);
  stale = 0;
}

void store_list(const char *prefix, const char *after, int (*each)(const struct object *, void *), void *with) {
  pthread_mutex_lock(&lock);
  sort();
  const char *from = after != NULL && strcmp(after, prefix) > 0 ? after : prefix;
  size_t low = 0, high = sorted_count, length = strlen(prefix);
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (strcmp(sorted[middle]->key, from) < 0) low = middle + 1;
    else high = middle;
  }
  for (size_t at = low; at < sorted_count; at++) {
    if (strncmp(sorted[at]->key, prefix, length) != 0) break;
    if (after != NULL && strcmp(sorted[at]->key, after) <= 0) continue;
    if (each(sorted[at], with) != 0) break;
  }
  pthread_mutex_unlock(&lock);
}
