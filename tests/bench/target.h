/* target.h: the server under measurement: how to reach it, and what it has cost so far. */
#ifndef CAIRN_BENCH_TARGET_H
#define CAIRN_BENCH_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TARGET_VALUE_BYTES_MAX 512
#define TARGET_KEY_DIGITS      12 /* "key:" and twelve digits, as redis-benchmark names its keys */

uint64_t target_now_ns(void); /* monotonic */

/* Connects to "127.0.0.1:port" when `address` is a number, else to a unix socket of that path. -1 with errno
 * when nobody answers. */
int target_connect(const char *address);

/* User and system time of all threads of `pid` so far, to the nanosecond where the kernel keeps it. */
uint64_t target_cpu_ns(pid_t pid);

/* Writes the key's number as twelve digits. */
void target_put_digits(char *digits, uint64_t number);

/* A value for key `number`, `len` bytes: its digits, then text that differs from write to write as `variant` does. An
 * overwrite with the same bytes would cost a journal that logs differences nothing. */
void target_value(char *value, uint64_t number, uint64_t variant, unsigned len);

/* True when target_value made it for that key, whatever the variant. */
bool target_value_is(const char *value, uint64_t number, unsigned len);

/* Prints the message and ends the program: a benchmark that went wrong must not report a number. */
__attribute__((noreturn, format(printf, 1, 2))) void target_fail(const char *format, ...);

#endif
