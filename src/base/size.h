/* size.h: a number of bytes as people read it, the same everywhere: in tables, texts of errors and
 * events. JSON has the number itself. Pure. */
#ifndef COEVAL_BASE_SIZE_H
#define COEVAL_BASE_SIZE_H

#include <stdint.h>

struct size_text {
    char text[16];
};

/* "999 B", "1.2 KiB", "12.3 MiB", "123 GiB": powers of 1024, cut and never rounded up. By value, so
 * that several fit into one call: size_text(bytes).text lives to the end of its statement. */
struct size_text size_text(uint64_t bytes);

#endif
