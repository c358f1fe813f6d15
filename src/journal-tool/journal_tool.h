/* journal_tool.h: what the commands of coeval-journal share. */
#ifndef COEVAL_JOURNAL_TOOL_JOURNAL_TOOL_H
#define COEVAL_JOURNAL_TOOL_JOURNAL_TOOL_H

#include <sys/stat.h>

#include "journal/lmdb/journal_lmdb.h"

enum tool_exit {
    TOOL_OK = 0,
    TOOL_USAGE = 1,
    TOOL_CANNOT = 2, /* open or read the journal, or write the output */
    TOOL_CORRUPT = 3,
};

struct tool {
    const char *directory;
    bool json;
    uint64_t after;
    uint64_t limit; /* 0: not given */
    unsigned type;  /* 0: all */
    bool follow;
    struct stat file; /* as it was just before the reader opened it */
    struct journal_reader *reader;
};

typedef enum tool_exit tool_command_fn(struct tool *tool);
tool_command_fn tool_dump, tool_tail, tool_verify, tool_epochs, tool_export;

/* Says why on stderr and gives the exit code for it. */
enum tool_exit tool_fail(const struct error *error);

/* The journal's file, as it is now under its name. */
bool tool_stat(const char *directory, struct stat *ret_status, struct error *error);

/* tool_output.c */

/* False, with ERROR_CANCELED, once nobody reads the output any more. */
bool tool_output_is_open(struct error *error);
void tool_print_record(const struct tool *tool, const struct journal_record *record);
/* On one line; control characters as \xNN, so that nothing in a journal can command a terminal. */
void tool_print_text(const char *text);
/* The document, or its text when it is not JSON; compact, sorted keys. */
void tool_print_payload(const char *payload, size_t size);
void tool_print_string(const char *text); /* as a JSON string */

#endif
