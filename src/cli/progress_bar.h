/* progress_bar.h: a running epoch on one line of a terminal. Pure. */
#ifndef COEVAL_CLI_PROGRESS_BAR_H
#define COEVAL_CLI_PROGRESS_BAR_H

#include <jansson.h>
#include <stddef.h>

#include "base/buffer.h"

/* "receiving  [=====>    ]  52%  1.2 GB/2.3 GB  310/600 files  120 MB/s  0:09 left", at most width
 * places: what does not fit is left out. epoch is what the API says of one. */
void progress_bar_print(const json_t *epoch, size_t width, struct buffer *text);

#endif
