#include "js.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

bool js_reject(napi_env env, const char *message) {
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message);
  return false;
}

bool js_is_undefined(napi_env env, napi_value value) {
  napi_valuetype type;
  return napi_typeof(env, value, &type) == napi_ok && type == napi_undefined;
}

bool js_integer(napi_env env, napi_value value, double smallest, double largest, const char *complaint,
                int64_t *integer) {
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok || !(number >= smallest && number <= largest) ||
      number != (double)(int64_t)number)
    return js_reject(env, complaint);
  *integer = (int64_t)number;
  return true;
}

bool js_bytes(napi_env env, napi_value value, uint8_t **data, size_t *length) {
  bool typed = false;
  napi_typedarray_type type;
  if (napi_is_typedarray(env, value, &typed) != napi_ok || !typed ||
      napi_get_typedarray_info(env, value, &type, length, (void **)data, NULL, NULL) != napi_ok ||
      type != napi_uint8_array)
    return js_reject(env, "data must be a Uint8Array");
  return true;
}

napi_value js_system_error(napi_env env, int error, const char *syscall) {
  char text[160];
  napi_value code, message, result, number, name;
  const char *symbol = uv_err_name(-error);
  snprintf(text, sizeof text, "%s: %s, %s", symbol, uv_strerror(-error), syscall);
  if (napi_create_string_utf8(env, symbol, NAPI_AUTO_LENGTH, &code) != napi_ok ||
      napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message) != napi_ok ||
      napi_create_error(env, code, message, &result) != napi_ok || napi_create_int32(env, -error, &number) != napi_ok ||
      napi_set_named_property(env, result, "errno", number) != napi_ok ||
      napi_create_string_utf8(env, syscall, NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_set_named_property(env, result, "syscall", name) != napi_ok)
    return NULL;
  return result;
}
