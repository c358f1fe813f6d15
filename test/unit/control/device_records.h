/* device_records.h: what the journal of a device (control_fixture.h) holds, and what is written
 * there behind its back, which it sees at its next start. */
#ifndef COEVAL_TEST_DEVICE_RECORDS_H
#define COEVAL_TEST_DEVICE_RECORDS_H

#include "control_fixture.h"

/* The journal's object, a new reference; NULL: none. */
json_t *device_object(struct device *device, enum journal_type type, const char *key);
/* Durable at once. */
void device_put_text(struct device *device, enum journal_type type, const char *key,
                     const char *payload);
/* The same; takes the object. */
void device_put_object(struct device *device, enum journal_type type, const char *key,
                       json_t *object);

/* One object under its key; json_decref() it, or give it to device_put_object(). */
struct record {
    char key[80];
    json_t *object;
};
struct record service_record(struct device *device); /* of the only service */
struct record epoch_record(struct device *device, unsigned number);

#endif
