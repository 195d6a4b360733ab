#include "watcher.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/inotify.h>

/* Newer than some C libraries' headers; the values are the kernel's (linux/inotify.h). */
#ifndef IN_EXCL_UNLINK
#define IN_EXCL_UNLINK 0x04000000
#endif
#ifndef IN_MASK_CREATE
#define IN_MASK_CREATE 0x10000000
#endif

enum { BUFFER_SIZE = 1 << 20 };

#define TRY(call)                      \
  do {                                 \
    if ((call) != napi_ok) {           \
      throw_last(env);                 \
      return NULL;                     \
    }                                  \
  } while (0)

static void throw_last(napi_env env) {
  const napi_extended_error_info *last;
  bool pending = false;
  napi_get_last_error_info(env, &last);
  const char *message = last->error_message != NULL ? last->error_message : "Node-API failed";
  if (napi_is_exception_pending(env, &pending) == napi_ok && !pending) napi_throw_error(env, NULL, message);
}

static napi_value integer(napi_env env, int value) {
  napi_value result = NULL;
  TRY(napi_create_int32(env, value, &result));
  return result;
}

/* The first argument as a watcher, the others as they are; NULL with an exception pending. */
static struct watcher *receive(napi_env env, napi_callback_info info, size_t count, napi_value *arguments) {
  struct watcher *watcher = NULL;
  size_t given = count;
  TRY(napi_get_cb_info(env, info, &given, arguments, NULL, NULL));
  TRY(napi_get_value_external(env, arguments[0], (void **)&watcher));
  return watcher;
}

/* open(onEvents) → handle, or a negative errno */
static napi_value open_watcher(napi_env env, napi_callback_info info) {
  napi_value on_events, handle = NULL;
  struct event_buffer *buffer;
  size_t count = 1;
  int error = 0;
  TRY(napi_get_cb_info(env, info, &count, &on_events, NULL, NULL));
  TRY(napi_get_instance_data(env, (void **)&buffer));
  TRY(watcher_open(env, on_events, buffer, &handle, &error));
  return error == 0 ? handle : integer(env, error);
}

/* add(handle, path, mask) → watch descriptor, or a negative errno; path is a Buffer that ends with a NUL */
static napi_value add_watch(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  struct watcher *watcher = receive(env, info, 3, arguments);
  if (watcher == NULL) return NULL;
  char *path;
  size_t length;
  uint32_t mask;
  TRY(napi_get_buffer_info(env, arguments[1], (void **)&path, &length));
  TRY(napi_get_value_uint32(env, arguments[2], &mask));
  if (length == 0 || path[length - 1] != '\0') return integer(env, -EINVAL);
  int watch = inotify_add_watch(watcher_descriptor(watcher), path, mask);
  return integer(env, watch < 0 ? -errno : watch);
}

/* remove(handle, watch) → 0 or a negative errno */
static napi_value remove_watch(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  struct watcher *watcher = receive(env, info, 2, arguments);
  if (watcher == NULL) return NULL;
  int32_t watch;
  TRY(napi_get_value_int32(env, arguments[1], &watch));
  return integer(env, inotify_rm_watch(watcher_descriptor(watcher), watch) < 0 ? -errno : 0);
}

/* poll(handle) → whether the kernel's queue was empty at the end */
static napi_value poll_watcher(napi_env env, napi_callback_info info) {
  napi_value argument, result;
  struct watcher *watcher = receive(env, info, 1, &argument);
  if (watcher == NULL) return NULL;
  bool drained = watcher_poll(watcher);
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) != napi_ok || pending) return NULL;
  TRY(napi_get_boolean(env, drained, &result));
  return result;
}

/* setReferenced(handle, boolean) */
static napi_value set_referenced(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  struct watcher *watcher = receive(env, info, 2, arguments);
  if (watcher == NULL) return NULL;
  bool referenced;
  TRY(napi_get_value_bool(env, arguments[1], &referenced));
  watcher_set_referenced(watcher, referenced);
  return NULL;
}

/* descriptor(handle) → file descriptor, -1 once closed */
static napi_value descriptor(napi_env env, napi_callback_info info) {
  napi_value argument;
  struct watcher *watcher = receive(env, info, 1, &argument);
  return watcher == NULL ? NULL : integer(env, watcher_descriptor(watcher));
}

/* close(handle) */
static napi_value close_watcher(napi_env env, napi_callback_info info) {
  napi_value argument;
  struct watcher *watcher = receive(env, info, 1, &argument);
  if (watcher != NULL) watcher_close(watcher);
  return NULL;
}

#define CONSTANT(name) {#name, name}
static const struct {
  const char *name;
  uint32_t value;
} CONSTANTS[] = {
    CONSTANT(IN_ACCESS),      CONSTANT(IN_MODIFY),        CONSTANT(IN_ATTRIB),     CONSTANT(IN_CLOSE_WRITE),
    CONSTANT(IN_CLOSE),       CONSTANT(IN_CLOSE_NOWRITE), CONSTANT(IN_OPEN),       CONSTANT(IN_MOVED_FROM),
    CONSTANT(IN_MOVED_TO),    CONSTANT(IN_MOVE),          CONSTANT(IN_CREATE),     CONSTANT(IN_DELETE),
    CONSTANT(IN_DELETE_SELF), CONSTANT(IN_MOVE_SELF),     CONSTANT(IN_ALL_EVENTS), CONSTANT(IN_UNMOUNT),
    CONSTANT(IN_Q_OVERFLOW),  CONSTANT(IN_IGNORED),       CONSTANT(IN_ONLYDIR),    CONSTANT(IN_DONT_FOLLOW),
    CONSTANT(IN_EXCL_UNLINK), CONSTANT(IN_MASK_CREATE),   CONSTANT(IN_MASK_ADD),   CONSTANT(IN_ISDIR),
    CONSTANT(IN_ONESHOT),
};

static void free_buffer(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  free(data);
}

/* The buffer is JavaScript's memory, kept by a reference for as long as the thread lives. */
static napi_status share_buffer(napi_env env, napi_value *result) {
  napi_ref kept;
  struct event_buffer *buffer = calloc(1, sizeof *buffer);
  if (buffer == NULL) return napi_generic_failure;
  napi_status status = napi_set_instance_data(env, buffer, free_buffer, NULL);
  if (status != napi_ok) {
    free(buffer);
    return status;
  }
  buffer->size = BUFFER_SIZE;
  if ((status = napi_create_arraybuffer(env, BUFFER_SIZE, (void **)&buffer->bytes, result)) != napi_ok) return status;
  return napi_create_reference(env, *result, 1, &kept);
}

NAPI_MODULE_INIT() {
  napi_value constants, value;
  napi_property_descriptor functions[] = {
      {"open", NULL, open_watcher, NULL, NULL, NULL, napi_default, NULL},
      {"add", NULL, add_watch, NULL, NULL, NULL, napi_default, NULL},
      {"remove", NULL, remove_watch, NULL, NULL, NULL, napi_default, NULL},
      {"poll", NULL, poll_watcher, NULL, NULL, NULL, napi_default, NULL},
      {"setReferenced", NULL, set_referenced, NULL, NULL, NULL, napi_default, NULL},
      {"descriptor", NULL, descriptor, NULL, NULL, NULL, napi_default, NULL},
      {"close", NULL, close_watcher, NULL, NULL, NULL, napi_default, NULL},
  };
  TRY(napi_define_properties(env, exports, sizeof functions / sizeof functions[0], functions));
  TRY(napi_create_object(env, &constants));
  for (size_t i = 0; i < sizeof CONSTANTS / sizeof CONSTANTS[0]; i++) {
    TRY(napi_create_uint32(env, CONSTANTS[i].value, &value));
    TRY(napi_set_named_property(env, constants, CONSTANTS[i].name, value));
  }
  TRY(napi_set_named_property(env, exports, "constants", constants));
  TRY(share_buffer(env, &value));
  TRY(napi_set_named_property(env, exports, "events", value));
  return exports;
}
