/* terminal_line.h: the last line of a terminal, written over again and again. */
#ifndef COEVAL_CLI_TERMINAL_LINE_H
#define COEVAL_CLI_TERMINAL_LINE_H

#include <stdbool.h>
#include <stddef.h>

struct terminal_line {
    bool shown;
};

/* How many places there are; 80 when nobody says. */
size_t terminal_line_width(void);
void terminal_line_show(struct terminal_line *line, const char *text);
void terminal_line_clear(struct terminal_line *line); /* before anything else is printed */

#endif
