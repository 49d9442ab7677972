/* file.h: users as lines of text: "user <name> <rule> ...", as in an ACL file. */
#ifndef CAIRN_COMMAND_ACL_FILE_H
#define CAIRN_COMMAND_ACL_FILE_H

#include "command/acl.h"

/* Replaces all users by those of the text: all or nothing. False with every mistake in `errors`, raw text; `name` is what they call the
 * file. */
bool acl_file_load(struct acl *acl, const char *name, struct slice text, struct resp_out *errors);
/* A line for each user. */
void acl_file_write(struct acl *acl, struct resp_out *out);

#endif
