#include "crc.h"
#include "js.h"

/* The two checksums of 32 bits share their JavaScript functions; this comes with each as its data. */
struct family {
  uint32_t (*update)(uint32_t previous, const uint8_t *data, size_t length);
  uint32_t (*combine)(uint32_t a, uint32_t b, uint64_t length_of_b);
};
static const struct family CRC32 = {crc32, crc32_combine};
static const struct family CRC32C = {crc32c, crc32c_combine};

static napi_value bigint(napi_env env, uint64_t value) {
  napi_value result;
  return napi_create_bigint_uint64(env, value, &result) == napi_ok ? result : NULL;
}

static napi_value number(napi_env env, uint32_t value) {
  napi_value result;
  return napi_create_uint32(env, value, &result) == napi_ok ? result : NULL;
}

static bool get_crc64(napi_env env, napi_value value, const char *complaint, uint64_t *crc) {
  bool whole = false;
  if (napi_get_value_bigint_uint64(env, value, crc, &whole) != napi_ok || !whole) return js_reject(env, complaint);
  return true;
}

static bool get_crc32(napi_env env, napi_value value, const char *complaint, uint32_t *crc) {
  int64_t integer;
  if (!js_integer(env, value, 0, UINT32_MAX, complaint, &integer)) return false;
  *crc = (uint32_t)integer;
  return true;
}

static bool get_length(napi_env env, napi_value value, uint64_t *length) {
  int64_t integer;
  if (!js_integer(env, value, 0, LARGEST_SAFE_INTEGER, "lengthOfB must be an integer from 0 to 2^53-1", &integer))
    return false;
  *length = (uint64_t)integer;
  return true;
}

/* crc64nvme(data, previous?) */
static napi_value update64(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t count = 2, length;
  uint8_t *data;
  uint64_t previous = 0;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (!js_bytes(env, arguments[0], &data, &length)) return NULL;
  if (!js_is_undefined(env, arguments[1]) &&
      !get_crc64(env, arguments[1], "previous must be a bigint from 0 to 2^64-1", &previous))
    return NULL;
  return bigint(env, crc64nvme(previous, data, length));
}

/* crc64nvmeCombine(a, b, lengthOfB) */
static napi_value join64(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  size_t count = 3;
  uint64_t a, b, length;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (!get_crc64(env, arguments[0], "a must be a bigint from 0 to 2^64-1", &a) ||
      !get_crc64(env, arguments[1], "b must be a bigint from 0 to 2^64-1", &b) ||
      !get_length(env, arguments[2], &length))
    return NULL;
  return bigint(env, crc64nvme_combine(a, b, length));
}

/* crc32(data, previous?) and crc32c */
static napi_value update32(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t count = 2, length;
  uint8_t *data;
  uint32_t previous = 0;
  struct family *family;
  napi_get_cb_info(env, info, &count, arguments, NULL, (void **)&family);
  if (!js_bytes(env, arguments[0], &data, &length)) return NULL;
  if (!js_is_undefined(env, arguments[1]) &&
      !get_crc32(env, arguments[1], "previous must be an integer from 0 to 2^32-1", &previous))
    return NULL;
  return number(env, family->update(previous, data, length));
}

/* crc32Combine(a, b, lengthOfB) and crc32cCombine */
static napi_value join32(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  size_t count = 3;
  uint32_t a, b;
  uint64_t length;
  struct family *family;
  napi_get_cb_info(env, info, &count, arguments, NULL, (void **)&family);
  if (!get_crc32(env, arguments[0], "a must be an integer from 0 to 2^32-1", &a) ||
      !get_crc32(env, arguments[1], "b must be an integer from 0 to 2^32-1", &b) ||
      !get_length(env, arguments[2], &length))
    return NULL;
  return number(env, family->combine(a, b, length));
}

/* implementations() */
static napi_value list_implementations(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value names, name;
  if (napi_create_array(env, &names) != napi_ok) return NULL;
  for (int i = 0; crc_implementation(i) != NULL; i++) {
    if (napi_create_string_latin1(env, crc_implementation(i), NAPI_AUTO_LENGTH, &name) != napi_ok ||
        napi_set_element(env, names, (uint32_t)i, name) != napi_ok)
      return NULL;
  }
  return names;
}

/* useImplementation(name) */
static napi_value use_implementation(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  size_t count = 1, length;
  char name[32] = "";
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (napi_get_value_string_latin1(env, arguments[0], name, sizeof name, &length) != napi_ok || !crc_use(name))
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "name must be one of implementations()");
  return NULL;
}

bool js_define_crc(napi_env env, napi_value exports) {
  napi_property_descriptor functions[] = {
      {"crc64nvme", NULL, update64, NULL, NULL, NULL, napi_enumerable, NULL},
      {"crc64nvmeCombine", NULL, join64, NULL, NULL, NULL, napi_enumerable, NULL},
      {"crc32", NULL, update32, NULL, NULL, NULL, napi_enumerable, (void *)&CRC32},
      {"crc32Combine", NULL, join32, NULL, NULL, NULL, napi_enumerable, (void *)&CRC32},
      {"crc32c", NULL, update32, NULL, NULL, NULL, napi_enumerable, (void *)&CRC32C},
      {"crc32cCombine", NULL, join32, NULL, NULL, NULL, napi_enumerable, (void *)&CRC32C},
      {"implementations", NULL, list_implementations, NULL, NULL, NULL, napi_enumerable, NULL},
      {"useImplementation", NULL, use_implementation, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  crc_prepare();
  return napi_define_properties(env, exports, sizeof functions / sizeof functions[0], functions) == napi_ok;
}
