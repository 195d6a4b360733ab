#ifndef TABLESNAP_IO_JS_H
#define TABLESNAP_IO_JS_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LARGEST_SAFE_INTEGER 9007199254740991.0 /* Number.MAX_SAFE_INTEGER */

/* What the functions that JavaScript calls have in common. Those that fail throw. */

/* Throws a TypeError. @returns false */
bool js_reject(napi_env env, const char *message);

bool js_is_undefined(napi_env env, napi_value value);

/* @param complaint the TypeError's message when it is no integer from `smallest` to `largest` */
bool js_integer(napi_env env, napi_value value, double smallest, double largest, const char *complaint,
                int64_t *integer);

/* Where the bytes of a Uint8Array are. */
bool js_bytes(napi_env env, napi_value value, uint8_t **data, size_t *length);

/* An error as those of node:fs are: with code, errno (negative) and syscall. @param error an errno, positive */
napi_value js_system_error(napi_env env, int error, const char *syscall);

/* The parts of the package; each adds its functions to the exports. */
bool js_define_crc(napi_env env, napi_value exports);
bool js_define_output(napi_env env, napi_value exports);
bool js_define_read(napi_env env, napi_value exports);
bool js_define_priority(napi_env env, napi_value exports);
bool js_define_status(napi_env env, napi_value exports);
bool js_define_time(napi_env env, napi_value exports);
bool js_define_volume(napi_env env, napi_value exports);

#endif
