/* pattern.h: lists of compiled patterns: which keys and channels a selector allows.
 *
 * A pattern without special characters, or with a single `*` at its end, is compared without the matcher.
 */
#ifndef CAIRN_COMMAND_ACL_PATTERN_H
#define CAIRN_COMMAND_ACL_PATTERN_H

#include "util/error.h"
#include "util/slice.h"

#include <stdint.h>

/* What a key pattern permits; channels have both. */
#define ACL_READ  (1u << 0)
#define ACL_WRITE (1u << 1)
#define ACL_BOTH  (ACL_READ | ACL_WRITE)

enum acl_pattern_kind { PATTERN_LITERAL, PATTERN_PREFIX, PATTERN_GLOB };

struct acl_pattern {
    char *text; /* owned, NUL-terminated */
    size_t len;
    enum acl_pattern_kind kind;
    unsigned permits;
};

struct acl_patterns {
    struct acl_pattern *items;
    size_t count;
};

/* Adds the pattern, or the permissions to the same text. ERROR_MEMORY leaves the list as it was. */
MUST_CHECK enum error acl_patterns_add(struct acl_patterns *list, struct slice text, unsigned permits);
MUST_CHECK enum error acl_patterns_copy(struct acl_patterns *list,
                                        const struct acl_patterns *from); /* into an empty one */
void acl_patterns_clear(struct acl_patterns *list);

/* Whether a pattern that permits all of `permits` matches. */
bool acl_patterns_match(const struct acl_patterns *list, struct slice text, unsigned permits);
/* Whether the very text is in the list. */
bool acl_patterns_contain(const struct acl_patterns *list, struct slice text);

#endif
