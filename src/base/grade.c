/* grade.c: names of the grades. */
#include "base/grade.h"

#include <stddef.h>
#include <string.h>

#include "base/check.h"

static const char *const grade_names[] = {
    [GRADE_ATOMIC] = "atomic",
    [GRADE_QUIESCED] = "quiesced",
    [GRADE_BOUNDED] = "bounded",
    [GRADE_FUZZY] = "fuzzy",
};

const char *grade_name(enum grade grade)
{
    CHECK((size_t)grade < ARRAY_LENGTH(grade_names));
    return grade_names[grade];
}

bool grade_from_name(const char *name, enum grade *ret_grade)
{
    for (size_t i = 0; i < ARRAY_LENGTH(grade_names); i++)
        if (strcmp(name, grade_names[i]) == 0) {
            *ret_grade = (enum grade)i;
            return true;
        }
    return false;
}
