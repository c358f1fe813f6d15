/* recover_fixture.h: a device that lost its journal, and what west's agent tells it of its area. */
#ifndef COEVAL_TEST_RECOVER_FIXTURE_H
#define COEVAL_TEST_RECOVER_FIXTURE_H

#include "control_fixture.h"

void lose_journal(struct device *device);

/* An epoch as west's area holds it, from its order to transfer; found: "sealed", "committing", ...
 */
json_t *epoch_item(struct device *device, int64_t number, const char *found);
/* Epochs 1 and on, each found so. */
json_t *epochs_found(struct device *device, const char *const found[], size_t count);
#define EPOCHS_FOUND(device, ...)                              \
    epochs_found((device), (const char *const[]){__VA_ARGS__}, \
                 sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))
/* The orders of before, so that the keys of now are others. */
json_t *settled_once(struct device *device);

/* What west's area holds of the service, and what was ordered, as its agent answers "inspect".
 * Takes both. */
json_t *inspection(struct device *device, json_t *epochs, json_t *orders);
void script_status(struct device *device, json_t *status); /* takes it */

/* outcome: for the test to look at and to end; NULL: it is not looked at. */
void recover(struct device *device, struct outcome *outcome);
/* The same, with an inspection() of these. */
void recover_from(struct device *device, json_t *epochs, json_t *orders, struct outcome *outcome);

#endif
