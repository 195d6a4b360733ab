#include "js.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

enum { STATUS_FIELDS = 5 };

/* pathStatus(path, follow, fields: BigInt64Array) → the type bits of st_mode, or 0 where nothing lies under the path */
static napi_value path_status(napi_env env, napi_callback_info info) {
  napi_value arguments[3], result;
  size_t count = 3, length = 0, fields = 0;
  char path[PATH_MAX + 1];
  bool follow;
  int64_t *into;
  napi_typedarray_type type;
  struct stat status;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (napi_get_value_string_utf8(env, arguments[0], path, sizeof path, &length) != napi_ok ||
      napi_get_value_bool(env, arguments[1], &follow) != napi_ok || strlen(path) != length) {
    js_reject(env, "path must be a string without null bytes");
    return NULL;
  }
  if (napi_get_typedarray_info(env, arguments[2], &type, &fields, (void **)&into, NULL, NULL) != napi_ok ||
      type != napi_bigint64_array || fields < STATUS_FIELDS) {
    js_reject(env, "fields must be a BigInt64Array");
    return NULL;
  }
  /* A longer path was cut: the kernel refuses it whole. */
  int error = length >= PATH_MAX ? ENAMETOOLONG : (follow ? stat : lstat)(path, &status) == 0 ? 0 : errno;
  if (error != 0 && error != ENOENT && error != ENOTDIR) {
    napi_throw(env, js_system_error(env, error, follow ? "stat" : "lstat"));
    return NULL;
  }
  if (error == 0) {
    into[0] = status.st_size;
    into[1] = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
    into[2] = (int64_t)status.st_ino;
    into[3] = (int64_t)status.st_dev;
    into[4] = (int64_t)status.st_nlink;
  }
  return napi_create_uint32(env, error == 0 ? status.st_mode & S_IFMT : 0, &result) == napi_ok ? result : NULL;
}

bool js_define_status(napi_env env, napi_value exports) {
  napi_property_descriptor function = {"pathStatus", NULL, path_status, NULL, NULL, NULL, napi_enumerable, NULL};
  return napi_define_properties(env, exports, 1, &function) == napi_ok;
}
