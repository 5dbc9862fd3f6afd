#pragma once
#include <jansson.h>

/* JSON_REAL_PRECISION is a macro with an argument, which Swift does not see. Fifteen digits are what a double always keeps;
   the other flags: bytes above 0x7F become \u escapes, and a document may be any value (RFC 8259), not only an array or an
   object. */
static inline size_t vm_json_write(const json_t *value, char *buffer, size_t size) {
    return json_dumpb(value, buffer, size, JSON_ENSURE_ASCII | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
}

/* Swift's bytes are unsigned and jansson's are char: the cast stands here. U+0000 stays refused, as JSON_ALLOW_NUL is not set,
   and so is anything after the value, as JSON_DISABLE_EOF_CHECK is not. */
static inline json_t *vm_json_read(const unsigned char *bytes, size_t count, json_error_t *error) {
    return json_loadb((const char *)bytes, count, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, error);
}

/* json_typeof is a macro. */
static inline json_type vm_json_type(const json_t *value) {
    return json_typeof(value);
}

/* json_error_code is inline and takes a pointer that need not be written to. */
static inline int vm_json_error_code(const json_error_t *error) {
    return (int)json_error_code(error);
}
