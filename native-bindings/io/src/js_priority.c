#include "js.h"
#include "priority.h"

/* lowerPriority(nice) */
static napi_value lower_priority(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  size_t count = 1;
  int64_t nice;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (!js_integer(env, arguments[0], 0, 19, "nice must be an integer from 0 to 19", &nice)) return NULL;
  int error = priority_lower((int)nice);
  if (error != 0) napi_throw(env, js_system_error(env, error, "ioprio_set"));
  return NULL;
}

bool js_define_priority(napi_env env, napi_value exports) {
  napi_property_descriptor function = {"lowerPriority", NULL, lower_priority, NULL, NULL, NULL, napi_enumerable, NULL};
  return napi_define_properties(env, exports, 1, &function) == napi_ok;
}
