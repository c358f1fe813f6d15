/* terminal_line.c: see terminal_line.h. */
#include "cli/terminal_line.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80

size_t terminal_line_width(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20)
        return WIDTH_DEFAULT;
    return size.ws_col;
}

void terminal_line_show(struct terminal_line *line, const char *text)
{
    printf("\r%s\033[K", text);
    fflush(stdout);
    line->shown = true;
}

void terminal_line_clear(struct terminal_line *line)
{
    if (line->shown)
        fputs("\r\033[K", stdout);
    line->shown = false;
}
