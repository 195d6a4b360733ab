#include "js.h"

#include <errno.h>
#include <time.h>

/* threadCpuTime() → ms */
static napi_value thread_cpu_time(napi_env env, napi_callback_info info) {
  (void)info;
  struct timespec used;
  napi_value result;
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) != 0) {
    napi_throw(env, js_system_error(env, errno, "clock_gettime"));
    return NULL;
  }
  double milliseconds = (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6;
  return napi_create_double(env, milliseconds, &result) == napi_ok ? result : NULL;
}

bool js_define_time(napi_env env, napi_value exports) {
  napi_property_descriptor function = {"threadCpuTime", NULL, thread_cpu_time, NULL, NULL, NULL, napi_enumerable, NULL};
  return napi_define_properties(env, exports, 1, &function) == napi_ok;
}
