#include "js.h"

NAPI_MODULE_INIT() { return js_define_crc(env, exports) && js_define_read(env, exports) ? exports : NULL; }
