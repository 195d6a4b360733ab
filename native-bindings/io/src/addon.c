#include "js.h"

NAPI_MODULE_INIT() {
  bool defined =
      js_define_crc(env, exports) && js_define_output(env, exports) && js_define_read(env, exports) &&
      js_define_priority(env, exports) && js_define_status(env, exports) && js_define_time(env, exports) &&
      js_define_volume(env, exports);
  return defined ? exports : NULL;
}
