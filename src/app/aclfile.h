/* aclfile.h: the file that `aclfile` names: users, a line each. */
#ifndef CAIRN_APP_ACLFILE_H
#define CAIRN_APP_ACLFILE_H

#include "app/app.h"

/* Replaces all users by those of the file, or none. False with Redis's text in `error`. */
bool aclfile_load(struct app *app, struct resp_out *error);
bool aclfile_save(struct app *app, struct resp_out *error);

#endif
