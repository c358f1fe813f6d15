/* exit_code.c: see exit_code.h. */
#include "cli/exit_code.h"

#include "base/check.h"

enum exit_code exit_code_of(enum error_code code)
{
    switch (code) {
    case ERROR_OK:
        return CLI_OK;
    case ERROR_INVALID:
    case ERROR_CONFLICT:
    case ERROR_FENCED:
    case ERROR_EXISTS:
    case ERROR_LIMIT:
        return CLI_REFUSED;
    case ERROR_NOT_FOUND:
        return CLI_NOT_FOUND;
    case ERROR_DENIED:
        return CLI_DENIED;
    case ERROR_UNAVAILABLE:
    case ERROR_UNCERTAIN:
    case ERROR_TIMEOUT:
    case ERROR_PROTOCOL:
        return CLI_UNREACHABLE;
    case ERROR_CANCELED:
    case ERROR_CORRUPT:
    case ERROR_NO_SPACE:
    case ERROR_IO:
        return CLI_FAILED;
    }
    CHECK_UNREACHABLE();
}
