#ifndef INOTIFY_WATCHER_H
#define INOTIFY_WATCHER_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>

/* What all watchers of one JavaScript thread read into: each wake-up is decoded before the next one can happen. */
struct event_buffer {
  char *bytes;
  size_t size;
};

/* One inotify descriptor and its poll handle; belongs to the thread (napi_env) that opened it. */
struct watcher;

/*
 * Opens a descriptor (non-blocking, close-on-exec) and starts to poll it. `*handle` becomes the JavaScript value that
 * owns the watcher, `*error` a negative errno instead when the system refuses. `on_events(length, drained)` is called
 * after each wake-up: `length` bytes of struct inotify_event lie in the buffer, or a negative errno of read(2);
 * `drained` tells that the kernel's queue was empty afterwards. A status other than napi_ok is Node-API's.
 */
napi_status watcher_open(napi_env env, napi_value on_events, const struct event_buffer *buffer, napi_value *handle,
                         int *error);

/* Stops and closes at once; nothing is delivered afterwards. Harmless when closed already. */
void watcher_close(struct watcher *self);

/*
 * Reads all that the kernel's queue holds now, without waiting, and calls `on_events` as a wake-up does. What comes meanwhile
 * may stay for the next call, so that a node that makes events without end keeps nobody. @returns whether all of it was read;
 * false when closed, and after a failed read. Must not be called while `on_events` runs: it reads into the same buffer.
 */
bool watcher_poll(struct watcher *self);

/* The descriptor, or -1 once closed. */
int watcher_descriptor(const struct watcher *self);

/* Whether the watcher keeps its event loop alive. */
void watcher_set_referenced(struct watcher *self, bool referenced);

#endif
