/* posix.h: the component "posix": directories of one machine. DESIGN in this folder says what is
 * carried, how a moment is kept and what lies in the area. */
#ifndef COEVAL_COMPONENT_POSIX_POSIX_H
#define COEVAL_COMPONENT_POSIX_POSIX_H

#include "component/component.h"

extern const struct component posix_component;

#endif
