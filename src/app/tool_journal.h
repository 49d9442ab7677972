/* tool_journal.h: cairn inspect FOLDER: what is in a journal. */
#ifndef CAIRN_APP_TOOL_JOURNAL_H
#define CAIRN_APP_TOOL_JOURNAL_H

#include <stdbool.h>

/* A folder whose name ends in ".journal". */
bool tool_journal_is(const char *path);
/* Lists the records of the journal in the folder, and says where the good part ends. The exit status, as of the other tools:
 * 0 it is whole, 1 it ends with a record that is damaged, 2 it can't be read. */
int tool_journal_inspect(const char *path);

#endif
