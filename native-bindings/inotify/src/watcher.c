#include "watcher.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <uv.h>

/* The longest event: the header, a name and the NULs to the next multiple of the header's size (inotify(7)). */
enum { LONGEST_EVENT = 2 * sizeof(struct inotify_event) + NAME_MAX };

/* Full buffers that one poll delivers at most: more than any queue holds. */
enum { MOST_BUFFERS = 64 };

struct watcher {
  uv_poll_t poll;
  napi_env env;
  napi_ref on_events;
  napi_async_context context;
  napi_async_cleanup_hook_handle teardown;
  const struct event_buffer *buffer;
  int fd;
  /* The JavaScript handle is one owner, the poll handle until libuv has closed it the other. */
  int owners;
};

static void disown(struct watcher *self) {
  if (--self->owners == 0) free(self);
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  disown(data);
}

/* Frees what Node-API and the kernel hold for the watcher; the struct stays with its owners. */
static void release(struct watcher *self) {
  if (self->fd >= 0) close(self->fd);
  self->fd = -1;
  if (self->context != NULL) napi_async_destroy(self->env, self->context);
  self->context = NULL;
  if (self->on_events != NULL) napi_delete_reference(self->env, self->on_events);
  self->on_events = NULL;
}

static void on_poll_closed(uv_handle_t *handle) {
  struct watcher *self = handle->data;
  /* A thread that ends waits for this: until here libuv may still touch the struct. */
  if (self->teardown != NULL) napi_remove_async_cleanup_hook(self->teardown);
  disown(self);
}

void watcher_close(struct watcher *self) {
  if (self->fd < 0) return;
  uv_close((uv_handle_t *)&self->poll, on_poll_closed);
  release(self);
}

static void on_thread_ends(napi_async_cleanup_hook_handle handle, void *data) {
  (void)handle;
  watcher_close(data);
}

/* What one pass over the kernel's queue brought into the buffer. */
struct reading {
  size_t length;
  /* The errno of read(2), negative, else 0; it may come with bytes that were read before. */
  int error;
  /* The queue was empty afterwards. */
  bool drained;
};

/* A full buffer may hold the whole queue: then no wake-up follows that could tell that it is empty. */
static bool is_queue_empty(int fd) {
  int bytes = 0;
  return ioctl(fd, FIONREAD, &bytes) == 0 && bytes == 0;
}

static struct reading read_queue(const struct watcher *self) {
  struct reading reading = {0, 0, false};
  const struct event_buffer *buffer = self->buffer;
  while (reading.error == 0 && !reading.drained) {
    if (buffer->size - reading.length < LONGEST_EVENT) {
      reading.drained = is_queue_empty(self->fd);
      break;
    }
    ssize_t count = read(self->fd, buffer->bytes + reading.length, buffer->size - reading.length);
    if (count > 0) reading.length += (size_t)count;
    else if (count == 0 || errno == EAGAIN) reading.drained = true;
    else if (errno != EINTR) reading.error = -errno;
  }
  return reading;
}

/* Calls on_events(length, drained). From the event loop it is a callback of its own, with its ticks and microtasks. */
static void call_javascript(struct watcher *self, int length, bool drained, bool from_loop) {
  napi_env env = self->env;
  napi_value receiver, function, arguments[2];
  if (napi_get_global(env, &receiver) != napi_ok ||
      napi_get_reference_value(env, self->on_events, &function) != napi_ok ||
      napi_create_int32(env, length, &arguments[0]) != napi_ok ||
      napi_get_boolean(env, drained, &arguments[1]) != napi_ok)
    return;
  if (from_loop) napi_make_callback(env, self->context, receiver, function, 2, arguments, NULL);
  else napi_call_function(env, receiver, function, 2, arguments, NULL);
}

static void deliver(struct watcher *self, struct reading reading, bool from_loop) {
  if (reading.length > 0) call_javascript(self, (int)reading.length, reading.drained, from_loop);
  if (reading.error != 0 && self->fd >= 0) call_javascript(self, reading.error, false, from_loop);
}

static bool is_exception_pending(napi_env env) {
  bool pending = false;
  return napi_is_exception_pending(env, &pending) != napi_ok || pending;
}

/* An exception that nobody can catch is the thread's. */
static void report_exception(napi_env env) {
  napi_value error;
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending) return;
  if (napi_get_and_clear_last_exception(env, &error) != napi_ok) return;
  /* A thread being terminated leaves an exception without a value: that one concerns nobody. */
  napi_valuetype type;
  if (napi_typeof(env, error, &type) == napi_ok && type == napi_object) napi_fatal_exception(env, error);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
  struct watcher *self = poll->data;
  (void)events;
  struct reading reading = {0, status, false};
  if (status >= 0) reading = read_queue(self);
  if (reading.length == 0 && reading.error == 0) return;
  napi_handle_scope scope;
  if (napi_open_handle_scope(self->env, &scope) != napi_ok) return;
  napi_env env = self->env;
  deliver(self, reading, true);
  report_exception(env);
  napi_close_handle_scope(env, scope);
}

bool watcher_poll(struct watcher *self) {
  /* What is queued now is all that was queued before the call; what comes while it is delivered is for the next one. */
  int queued = 0;
  if (self->fd < 0 || ioctl(self->fd, FIONREAD, &queued) != 0) return false;
  size_t delivered = 0;
  for (int i = 0; i < MOST_BUFFERS && self->fd >= 0; i++) {
    struct reading reading = read_queue(self);
    deliver(self, reading, false);
    if (is_exception_pending(self->env) || reading.error != 0) return false;
    delivered += reading.length;
    if (reading.drained || delivered >= (size_t)queued) return self->fd >= 0;
  }
  return false;
}

napi_status watcher_open(napi_env env, napi_value on_events, const struct event_buffer *buffer, napi_value *handle,
                         int *error) {
  uv_loop_t *loop;
  napi_value label;
  napi_status status = napi_get_uv_event_loop(env, &loop);
  if (status != napi_ok) return status;
  if ((status = napi_create_string_utf8(env, "INOTIFY", NAPI_AUTO_LENGTH, &label)) != napi_ok) return status;

  struct watcher *self = calloc(1, sizeof *self);
  if (self == NULL) {
    *error = -ENOMEM;
    return napi_ok;
  }
  self->env = env;
  self->buffer = buffer;
  self->fd = -1;
  self->owners = 1;
  if ((status = napi_create_external(env, self, on_collected, NULL, handle)) != napi_ok) {
    free(self);
    return status;
  }
  if ((status = napi_create_reference(env, on_events, 1, &self->on_events)) != napi_ok ||
      (status = napi_async_init(env, NULL, label, &self->context)) != napi_ok) {
    release(self);
    return status;
  }
  self->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  *error = self->fd < 0 ? -errno : uv_poll_init(loop, &self->poll, self->fd);
  if (*error != 0) {
    release(self);
    return napi_ok;
  }
  self->poll.data = self;
  self->owners = 2;
  if ((status = napi_add_async_cleanup_hook(env, on_thread_ends, self, &self->teardown)) == napi_ok)
    *error = uv_poll_start(&self->poll, UV_READABLE, on_readable);
  if (status != napi_ok || *error != 0) watcher_close(self);
  return status;
}

int watcher_descriptor(const struct watcher *self) { return self->fd; }

void watcher_set_referenced(struct watcher *self, bool referenced) {
  if (self->fd < 0) return;
  if (referenced) uv_ref((uv_handle_t *)&self->poll);
  else uv_unref((uv_handle_t *)&self->poll);
}
