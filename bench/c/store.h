/* What the sink remembers of objects: names, sizes and headers; bodies only of small ones that are no file, and of tablesnap's states. */
#ifndef STORE_H
#define STORE_H

#include <stddef.h>
#include <stdint.h>

struct object {
  char *key;
  uint64_t size;
  char *headers; /* lines to answer HEAD and GET with, each with its CRLF */
  char *body;    /* NULL: the file that the key names after its first colon */
  int64_t time;  /* s since 1970 */
};

/* All functions may be called from any thread. */
void store_put(const char *key, uint64_t size, const char *headers, char *body);
/* Adds to what an unfinished upload holds; one that is not known is begun. */
void store_add(const char *upload, uint64_t size);
/* Copies what is known; the caller frees key, headers and body. @return whether there is such an object */
int store_get(const char *key, struct object *copy);
int store_has(const char *key);
void store_delete(const char *key);
void store_clear(void);
size_t store_count(void);
/* Calls for each object after `after` (NULL: from the first) whose key begins with the prefix, in byte order, until it returns nonzero. */
void store_list(const char *prefix, const char *after, int (*each)(const struct object *, void *), void *with);

#endif
