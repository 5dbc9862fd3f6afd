#pragma once
#include <stddef.h>
#include <stdint.h>

/* libFuzzer's own main, which has no header. It takes its flags from the arguments, and gives every input to the function. */
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));
