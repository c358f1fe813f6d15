/* seal_name.h: what B's seal snapshots of an epoch are called: the seal says it. */
#ifndef COEVAL_TEST_SEAL_NAME_H
#define COEVAL_TEST_SEAL_NAME_H

#include <jansson.h>
#include <stdio.h>

/* cluster: its directory; otherwise: the name when there is no such seal. */
static inline void seal_name(const char *cluster, const char *pair, const char *service, int number,
                             const char *otherwise, char *ret_name, size_t size)
{
    char path[512];
    snprintf(path, sizeof path, "%s/coeval/%s/%s/g1.e%d/seal.json", cluster, pair, service, number);
    json_t *seal = json_load_file(path, 0, NULL);
    const char *name = json_string_value(json_object_get(seal, "snapshot"));
    snprintf(ret_name, size, "%s", name == NULL ? otherwise : name);
    json_decref(seal);
}

#endif
