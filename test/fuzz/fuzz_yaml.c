/* fuzz_yaml.c: any bytes as a document, and whatever is a document as a policy. Refusals must name
 * their place; plain ASCII printed as JSON reads back equal; a policy that is taken prints to a
 * form that is taken and prints the same. */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "policy/policy.h"
#include "yaml/yaml_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_plain(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text >= 0x7f || *text < 0x20)
            return false;
    return true;
}

static void check_json(const struct document *document)
{
    struct buffer text;
    struct document again;
    struct error error = ERROR_NONE;
    buffer_init(&text, 0);
    json_print(document->root, false, &text);
    if (is_plain(buffer_text(&text)) && text.size < YAML_BYTES_MAX &&
        strstr(buffer_text(&text), "\\u") == NULL) {
        /* Keys over 1024 characters are the one thing of JSON that libyaml does not read. */
        if (yaml_parse("again", buffer_text(&text), text.size, &again, &error)) {
            CHECK(json_equal(document->root, again.root));
            document_fini(&again);
        } else {
            CHECK(strlen(buffer_text(&text)) > 1024);
        }
    }
    buffer_fini(&text);
}

static void check_policy(const struct document *document)
{
    struct policy policy, again;
    struct document printed;
    struct error error = ERROR_NONE;
    if (!policy_parse(document, &policy, &error)) {
        CHECK(error.code == ERROR_INVALID && error.text[0] != '\0');
        return;
    }
    document_init(&printed, NULL, policy_to_json(&policy));
    CHECK(policy_parse(&printed, &again, &error));
    json_t *twice = policy_to_json(&again);
    CHECK(json_equal(printed.root, twice));
    json_decref(twice);
    document_fini(&printed);
    policy_fini(&again);
    policy_fini(&policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct document document;
    struct error error = ERROR_NONE;
    if (!yaml_parse("f", (const char *)data, size, &document, &error)) {
        CHECK(strncmp(error.text, "f:", 2) == 0);
        return 0;
    }
    check_json(&document);
    check_policy(&document);
    document_fini(&document);
    return 0;
}
