#ifndef READ_H
#define READ_H

#include "conn.h"
#include "request.h"

/* Whether a key names, after its first colon, a regular file of this size below the folder that is served. */
int is_file(const char *key, uint64_t size);
/* Answers HEAD and GET of an object, whole or a range. */
int read_object(struct conn *c, struct request *r);

#endif
