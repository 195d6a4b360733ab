#include "js.h"
#include "neutral.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define LARGEST_READ 0x7ffff000 /* of one call, read(2) */

/* One read, and of one under way what it is for. */
struct read {
  napi_async_work work;
  napi_deferred deferred;
  napi_ref buffer; /* keeps the memory alive */
  int fd;
  uint8_t *into;
  size_t length;
  off_t position;
  ssize_t count;
  int error;
};

/* In a thread of libuv's pool, or in the one that asked. */
static void execute(napi_env env, void *data) {
  (void)env;
  struct read *read = data;
  do read->count = neutral_read(read->fd, read->into, read->length, read->position);
  while (read->count < 0 && errno == EINTR);
  read->error = errno;
}

/* (fd, buffer, offset, length, position) */
static bool take_arguments(napi_env env, napi_callback_info info, struct read *read, napi_value *buffer) {
  napi_value arguments[5];
  size_t count = 5, size;
  uint8_t *bytes;
  int64_t fd, offset, length, position;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (!js_integer(env, arguments[0], 0, INT32_MAX, "fd must be a file descriptor", &fd)) return false;
  if (!js_bytes(env, arguments[1], &bytes, &size)) return false;
  if (!js_integer(env, arguments[2], 0, (double)size, "offset must lie within data", &offset) ||
      !js_integer(env, arguments[3], 0, (double)(size - (size_t)offset), "length must lie within data", &length) ||
      !js_integer(env, arguments[4], 0, LARGEST_SAFE_INTEGER, "position must be an integer from 0 to 2^53-1", &position))
    return false;
  *buffer = arguments[1];
  read->fd = (int)fd;
  read->into = bytes + offset;
  read->length = length < LARGEST_READ ? (size_t)length : LARGEST_READ;
  read->position = position;
  return true;
}

/* When the thread that asked is ending, the calls into JavaScript fail, and nobody waits for the result. */
static void complete(napi_env env, napi_status status, void *data) {
  struct read *read = data;
  napi_value result = NULL;
  if (status == napi_ok && read->count >= 0) {
    if (napi_create_int64(env, read->count, &result) == napi_ok) napi_resolve_deferred(env, read->deferred, result);
  } else {
    result = js_system_error(env, status == napi_ok ? read->error : ECANCELED, "read");
    if (result != NULL) napi_reject_deferred(env, read->deferred, result);
  }
  napi_delete_reference(env, read->buffer);
  napi_delete_async_work(env, read->work);
  free(read);
}

/* readNeutral(fd, buffer, offset, length, position) */
static napi_value read_neutral(napi_env env, napi_callback_info info) {
  napi_value buffer, promise, name;
  struct read asked = {0};
  if (!take_arguments(env, info, &asked, &buffer)) return NULL;
  struct read *read = malloc(sizeof *read);
  if (read == NULL) {
    napi_throw(env, js_system_error(env, ENOMEM, "read"));
    return NULL;
  }
  *read = asked;
  if (napi_create_string_latin1(env, "readNeutral", NAPI_AUTO_LENGTH, &name) == napi_ok &&
      napi_create_reference(env, buffer, 1, &read->buffer) == napi_ok &&
      napi_create_async_work(env, NULL, name, execute, complete, read, &read->work) == napi_ok &&
      napi_create_promise(env, &read->deferred, &promise) == napi_ok &&
      napi_queue_async_work(env, read->work) == napi_ok)
    return promise;
  if (read->work != NULL) napi_delete_async_work(env, read->work);
  if (read->buffer != NULL) napi_delete_reference(env, read->buffer);
  free(read);
  napi_throw_error(env, "ERR_INTERNAL", "cannot start to read");
  return NULL;
}

/* readNeutralSync(fd, buffer, offset, length, position) */
static napi_value read_neutral_sync(napi_env env, napi_callback_info info) {
  napi_value buffer, result;
  struct read read = {0};
  if (!take_arguments(env, info, &read, &buffer)) return NULL;
  execute(env, &read);
  if (read.count >= 0) return napi_create_int64(env, read.count, &result) == napi_ok ? result : NULL;
  result = js_system_error(env, read.error, "read");
  if (result != NULL) napi_throw(env, result);
  return NULL;
}

/* bytesToPage(data) */
static napi_value bytes_to_page(napi_env env, napi_callback_info info) {
  napi_value arguments[1], result;
  size_t count = 1, size;
  uint8_t *bytes;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (!js_bytes(env, arguments[0], &bytes, &size)) return NULL;
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uint32_t missing = (uint32_t)((page - (uintptr_t)bytes % page) % page);
  return napi_create_uint32(env, missing, &result) == napi_ok ? result : NULL;
}

/* leftPages() */
static napi_value left_pages(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result;
  return napi_get_boolean(env, neutral_left_pages(), &result) == napi_ok ? result : NULL;
}

/* useDontCache(use) */
static napi_value use_dont_cache(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  size_t count = 1;
  bool use;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (napi_get_value_bool(env, arguments[0], &use) != napi_ok) js_reject(env, "use must be a boolean");
  else neutral_use_kernel(use);
  return NULL;
}

bool js_define_read(napi_env env, napi_value exports) {
  napi_property_descriptor functions[] = {
      {"readNeutral", NULL, read_neutral, NULL, NULL, NULL, napi_enumerable, NULL},
      {"readNeutralSync", NULL, read_neutral_sync, NULL, NULL, NULL, napi_enumerable, NULL},
      {"bytesToPage", NULL, bytes_to_page, NULL, NULL, NULL, napi_enumerable, NULL},
      {"leftPages", NULL, left_pages, NULL, NULL, NULL, napi_enumerable, NULL},
      {"useDontCache", NULL, use_dont_cache, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  return napi_define_properties(env, exports, sizeof functions / sizeof functions[0], functions) == napi_ok;
}
