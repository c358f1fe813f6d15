/* run_files.h: sorted runs in unlinked files of the agent's work directory. */
#ifndef COEVAL_AGENT_RUN_FILES_H
#define COEVAL_AGENT_RUN_FILES_H

#include "plan/sorter.h"

struct run_files;
struct run_files *run_files_new(const char *directory);
void run_files_free(struct run_files *files);
const struct sorter_runs *run_files_runs(struct run_files *files); /* valid until free */

#endif
