/* crash.c: SIGKILL from within: no handler, no flush, no atexit. Or SIGTERM, and it goes on. */
#include "base/crash.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef COEVAL_CRASH_POINTS
static atomic_int passages;

void crash_point(const char *name, const char *scope)
{
    const char *wanted = getenv("COEVAL_CRASH_AT");
    if (wanted == NULL)
        return;
    const char *wanted_scope = getenv("COEVAL_CRASH_SCOPE");
    if (wanted_scope != NULL && (scope == NULL || strcmp(scope, wanted_scope) != 0))
        return;
    size_t length = strlen(name);
    if (strncmp(wanted, name, length) != 0 || (wanted[length] != '\0' && wanted[length] != ':'))
        return;
    int at = wanted[length] == ':' ? atoi(wanted + length + 1) : 1;
    if (atomic_fetch_add(&passages, 1) + 1 != at)
        return;
    dprintf(STDERR_FILENO, "coeval: crash point %s\n", name);
    const char *signal = getenv("COEVAL_CRASH_SIGNAL");
    kill(getpid(), signal != NULL && strcmp(signal, "TERM") == 0 ? SIGTERM : SIGKILL);
}
#else
void crash_point(const char *name, const char *scope)
{
    (void)name;
    (void)scope;
}
#endif
