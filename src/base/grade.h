/* grade.h: what the snapshots of an epoch prove together (G1). In base because policies name the
 * least one they accept and components state the one they reached, and neither may use the other.
 */
#ifndef COEVAL_BASE_GRADE_H
#define COEVAL_BASE_GRADE_H

#include <stdbool.h>

/* Weakest last: a grade is good enough when it is not greater than the one that is asked for. */
enum grade { GRADE_ATOMIC, GRADE_QUIESCED, GRADE_BOUNDED, GRADE_FUZZY };

const char *grade_name(enum grade grade); /* "atomic" */
bool grade_from_name(const char *name, enum grade *ret_grade);

#endif
