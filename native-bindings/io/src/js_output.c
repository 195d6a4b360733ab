#include "js.h"
#include "output.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* sizeof sun_path is 108; a longer path is refused by output_connect. */
enum { LONGEST_PATH = 256 };

static napi_value fail(napi_env env, int error, const char *syscall) {
  napi_throw(env, js_system_error(env, error, syscall));
  return NULL;
}

/* writeNow(fd, data, offset) → count */
static napi_value write_now(napi_env env, napi_callback_info info) {
  napi_value arguments[3], result;
  size_t count = 3, size;
  uint8_t *data;
  int64_t fd, offset;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (!js_integer(env, arguments[0], 0, INT32_MAX, "fd must be a file descriptor", &fd) ||
      !js_bytes(env, arguments[1], &data, &size) ||
      !js_integer(env, arguments[2], 0, (double)size, "offset must lie within data", &offset))
    return NULL;
  ssize_t written;
  do written = output_write((int)fd, data + offset, size - (size_t)offset);
  while (written < 0 && errno == EINTR);
  if (written < 0 && errno == EAGAIN) written = 0;
  if (written < 0) return fail(env, errno, "write");
  return napi_create_int64(env, written, &result) == napi_ok ? result : NULL;
}

/* connectLocal(path, datagram) → fd */
static napi_value connect_local(napi_env env, napi_callback_info info) {
  napi_value arguments[2], result;
  size_t count = 2, length;
  char path[LONGEST_PATH];
  bool datagram;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (napi_get_value_string_utf8(env, arguments[0], path, sizeof path, &length) != napi_ok ||
      napi_get_value_bool(env, arguments[1], &datagram) != napi_ok) {
    js_reject(env, "path must be a string, and datagram a boolean");
    return NULL;
  }
  int fd = output_connect(path, datagram);
  if (fd < 0) return fail(env, errno, "connect");
  return napi_create_int32(env, fd, &result) == napi_ok ? result : NULL;
}

/* replaceDescriptor(from, to) */
static napi_value replace_descriptor(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t count = 2;
  int64_t from, to;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (!js_integer(env, arguments[0], 0, INT32_MAX, "from must be a file descriptor", &from) ||
      !js_integer(env, arguments[1], 0, INT32_MAX, "to must be a file descriptor", &to))
    return NULL;
  if (dup2((int)from, (int)to) < 0) return fail(env, errno, "dup2");
  return NULL;
}

/* unacknowledgedBytes(fd) → count */
static napi_value unacknowledged_bytes(napi_env env, napi_callback_info info) {
  napi_value arguments[1], result;
  size_t count = 1;
  int64_t fd;
  int bytes;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (!js_integer(env, arguments[0], 0, INT32_MAX, "fd must be a file descriptor", &fd)) return NULL;
  if (ioctl((int)fd, SIOCOUTQ, &bytes) != 0) return fail(env, errno, "ioctl");
  return napi_create_int32(env, bytes, &result) == napi_ok ? result : NULL;
}

static napi_property_descriptor method(const char *name, napi_callback function) {
  return (napi_property_descriptor){name, NULL, function, NULL, NULL, NULL, napi_enumerable, NULL};
}

bool js_define_output(napi_env env, napi_value exports) {
  napi_property_descriptor methods[] = {
      method("writeNow", write_now),
      method("connectLocal", connect_local),
      method("replaceDescriptor", replace_descriptor),
      method("unacknowledgedBytes", unacknowledged_bytes),
  };
  return napi_define_properties(env, exports, sizeof methods / sizeof *methods, methods) == napi_ok;
}
