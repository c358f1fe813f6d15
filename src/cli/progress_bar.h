/* progress_bar.h: a running epoch on one line of a terminal. Pure. */
#ifndef COEVAL_CLI_PROGRESS_BAR_H
#define COEVAL_CLI_PROGRESS_BAR_H

#include <jansson.h>
#include <stddef.h>

#include "base/buffer.h"

/* "receiving (copy)  [=====>    ]  52%  1.2 GB/2.3 GB  310/600 files  120 MB/s  0:09 left", at
 * most width places: what does not fit goes in this order: the bar's drawing, the state (when there
 * is a phase), files, rate, time left, bytes. epoch is what the API says of one. */
void progress_bar_print(const json_t *epoch, size_t width, struct buffer *text);
/* "check: asking cluster west  [====>     ]  50%  1/2 clusters" */
void progress_bar_print_operation(const json_t *operation, size_t width, struct buffer *text);

#endif
