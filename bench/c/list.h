#ifndef LIST_H
#define LIST_H

#include "conn.h"
#include "request.h"

/* Answers a GET of the bucket: its location, its unfinished uploads (there are none to see), or its objects (version 1 and 2). */
int list(struct conn *c, struct request *r);

#endif
