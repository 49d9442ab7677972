/* error.c: texts of the operating failures. */
#include "util/error.h"

const char *error_text(enum error error)
{
    static const char *const texts[] = {
#define X(name, text) text,
        ERROR_MAP(X)
#undef X
    };
    return (unsigned)error < sizeof texts / sizeof *texts ? texts[error] : "unknown error";
}
