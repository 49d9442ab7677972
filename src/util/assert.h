/* assert.h: checks for our own bugs, on in every build. Never for bytes read from media. */
#ifndef CAIRN_UTIL_ASSERT_H
#define CAIRN_UTIL_ASSERT_H

/* Prints file, line and condition to stderr, then aborts (the crash log takes over from there). */
__attribute__((noreturn, cold)) void assert_failed(const char *file, int line, const char *condition);

/* What is called with the same before the process aborts: the crash log. Once, at the start. */
void assert_set_reporter(void (*report)(const char *file, int line, const char *condition));

#define ASSERT(condition)                                                                                    \
    (__builtin_expect(!!(condition), 1) ? (void)0 : assert_failed(__FILE__, __LINE__, #condition))

#endif
