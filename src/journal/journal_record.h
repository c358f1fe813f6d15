/* journal_record.h: the bytes of a record and of an object, and the chain between records. Pure;
 * the tables are in src/journal/DESIGN. A decoder takes any bytes, never reads beyond them, and
 * accepts exactly what the encoder writes: decode, then encode, gives the same bytes. */
#ifndef COEVAL_JOURNAL_JOURNAL_RECORD_H
#define COEVAL_JOURNAL_JOURNAL_RECORD_H

#include "journal/journal.h"

#define JOURNAL_RECORD_VERSION 1u
#define JOURNAL_ORIGIN_SIZE 36
#define JOURNAL_SEQUENCE_SIZE 8

/* Big endian, so that byte order is the order of records. */
void journal_sequence_encode(uint64_t sequence, uint8_t ret_key[JOURNAL_SEQUENCE_SIZE]);
bool journal_sequence_decode(const void *key, size_t size, uint64_t *ret_sequence);

/* Appends the record to the buffer; its CRC is the next record's previous_crc. */
void journal_record_encode(const struct journal_record *record, uint32_t previous_crc,
                           struct buffer *buffer, uint32_t *ret_crc);
/* Strings of *ret_record are borrowed from data. ERROR_CORRUPT names the sequence; an unknown type
 * is not an error here; a newer version is ERROR_INVALID. */
bool journal_record_decode(const void *data, size_t size, uint64_t sequence,
                           struct journal_record *ret_record, uint32_t *ret_previous_crc,
                           uint32_t *ret_crc, struct error *error);

/* The newest state of one thing; sequence is that of the record that set it. The CRC covers type
 * and key too, so that a value under another key is found out. */
void journal_object_encode(unsigned type, const char *key, uint64_t sequence, const char *payload,
                           struct buffer *buffer);
bool journal_object_decode(unsigned type, const void *key, size_t key_size, const void *data,
                           size_t size, uint64_t *ret_sequence, const char **ret_payload,
                           size_t *ret_payload_size, struct error *error);

/* Follows records in order. Before the first record `previous_crc` is the journal's anchor (a CRC
 * of its id); `anchored` false takes the first record's word for it (a scan from the middle). */
struct journal_chain {
    uint64_t next;
    uint32_t previous_crc;
    bool anchored;
};
bool journal_chain_accept(struct journal_chain *chain, const void *key, size_t key_size,
                          const void *data, size_t size, struct journal_record *ret_record,
                          struct error *error);

#endif
