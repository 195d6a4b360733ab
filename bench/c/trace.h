/* When the answers to PUTs were sent. */
#ifndef TRACE_H
#define TRACE_H

/* Notes the present moment of the monotonic clock for a key. */
void trace(const char *key);

#endif
