/* policy_text.h: policies written as text, for the tests of reading them. */
#ifndef COEVAL_TEST_POLICY_TEXT_H
#define COEVAL_TEST_POLICY_TEXT_H

#include <string.h>

#include "policy/policy.h"
#include "yaml/yaml_reader.h"

#define HEAD                                         \
    "apiVersion: coeval/v1\nkind: Policy\nname: s\n" \
    "pair: {name: p, primary: a, secondary: b}\n"
#define GROUP "group: {data_sets: ['hdfs:/x']}\n"
#define MINIMAL HEAD GROUP "period: PT15M\n"

static inline void parse_text(const char *text, struct policy *policy)
{
    struct document document;
    struct error error = ERROR_NONE;
    assert_true(yaml_parse("p.yaml", text, strlen(text), &document, &error));
    if (!policy_parse(&document, policy, &error))
        fail_msg("%s", error.text);
    document_fini(&document);
}

#endif
