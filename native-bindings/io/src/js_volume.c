#include "js.h"
#include "volume.h"

#include <errno.h>

/* volumeId(fd) → hex digits, or undefined */
static napi_value js_volume_id(napi_env env, napi_callback_info info) {
  napi_value argument, result;
  size_t count = 1;
  int64_t fd;
  char id[VOLUME_ID_SIZE];
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  if (!js_integer(env, argument, 0, INT32_MAX, "fd must be a file descriptor", &fd)) return NULL;
  if (volume_id((int)fd, id) != 0) {
    napi_throw(env, js_system_error(env, errno, "fstatfs"));
    return NULL;
  }
  napi_status status =
      id[0] == 0 ? napi_get_undefined(env, &result) : napi_create_string_utf8(env, id, NAPI_AUTO_LENGTH, &result);
  return status == napi_ok ? result : NULL;
}

bool js_define_volume(napi_env env, napi_value exports) {
  napi_property_descriptor function = {"volumeId", NULL, js_volume_id, NULL, NULL, NULL, napi_enumerable, NULL};
  return napi_define_properties(env, exports, 1, &function) == napi_ok;
}
