/* error.h: the one map of operating failures, from the medium up to a reply. */
#ifndef CAIRN_UTIL_ERROR_H
#define CAIRN_UTIL_ERROR_H

/* A client's mistake is not in this list: handlers answer it before the first mutation. */
#define ERROR_MAP(X)                                                                                         \
    X(OK, "no error")                                                                                        \
    X(HEAP_FULL, "the heap has reached its size limit")                                                      \
    X(DISK_FULL, "no space left on the device that holds the heap")                                          \
    X(MEMORY, "out of process memory")                                                                       \
    X(TOO_LARGE, "object larger than the heap can hold")                                                     \
    X(FILES, "too many open files")                                                                          \
    X(IO, "input/output error")                                                                              \
    X(PERMISSION, "permission denied")                                                                       \
    X(IN_USE, "the heap is open in another process")                                                         \
    X(NOT_A_HEAP, "the file is not a cairn heap")                                                            \
    X(VERSION, "the heap has another format version")                                                        \
    X(TRUNCATED, "the heap file is shorter than it says")                                                    \
    X(CORRUPT, "the heap file is damaged")                                                                   \
    X(UNCLEAN, "the heap was not closed before the last boot")                                               \
    X(UNSUPPORTED, "the file system cannot hold a heap")                                                     \
    X(NO_LANE, "more threads than the heap has lanes")                                                       \
    X(NOT_FOUND, "not found")

enum error {
#define X(name, text) ERROR_##name,
    ERROR_MAP(X)
#undef X
};

/* A result that must not be dropped. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* English text for `error`, for logs and replies; static storage. */
const char *error_text(enum error error);

#endif
