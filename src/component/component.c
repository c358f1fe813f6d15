/* component.c: finding a kind of store among those that daemon/ compiled in. */
#include "component/component.h"

#include <string.h>

const struct component *component_find(const struct component *const *components, const char *kind)
{
    for (; *components != NULL; components++)
        if (strcmp((*components)->kind, kind) == 0)
            return *components;
    return NULL;
}
