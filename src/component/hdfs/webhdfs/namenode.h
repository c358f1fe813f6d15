/* namenode.h: calls to the NameNodes of one store: which one is active, what to do while none is,
 * what an answer or its absence means. Private to webhdfs/. */
#ifndef COEVAL_COMPONENT_HDFS_WEBHDFS_NAMENODE_H
#define COEVAL_COMPONENT_HDFS_WEBHDFS_NAMENODE_H

#include <pthread.h>

#include "component/component.h"
#include "component/hdfs/hdfs_facts.h"
#include "component/hdfs/webhdfs/looks.h"
#include "component/hdfs/webhdfs/webhdfs_error.h"
#include "http/transfer.h"

#define NAMENODES_MAX 8
#define TRANSFERS_KEPT_MAX 16
#define NAMENODE_ANSWER_BYTES_MAX ((size_t)64 << 20)

struct namenodes {
    char *urls[NAMENODES_MAX]; /* "http://host:port" */
    unsigned count;
    char *user;
    pthread_mutex_t lock; /* over what follows */
    unsigned active;      /* index of the one that answered last */
    uint64_t switches;    /* how often that changed */
    struct transfer *kept[TRANSFERS_KEPT_MAX];
    unsigned kept_count;
    struct list looks; /* of all threads (looks.h) */
};

/* options: {"namenodes": [...], "user": "..."}, and the times that hdfs_store.c looks at. */
bool namenodes_check_options(const json_t *options, struct error *error);
bool namenodes_init(struct namenodes *namenodes, const json_t *options, struct error *error);
void namenodes_fini(struct namenodes *namenodes);

struct namenode_request {
    enum http_method method;
    const char *op;    /* "GETFILESTATUS" */
    const char *path;  /* absolute */
    const char *query; /* "&name=value...", encoded; NULL: none */
    bool changes;      /* a second sending would be a second effect */
    const char *plain; /* instead of op and path: "/jmx?..." */
};

struct namenode_answer {
    int status; /* 200, 201 or 307 */
    struct buffer body;
    struct buffer location;              /* of a redirect */
    struct buffer date, cookie;          /* headers as they came; "" when absent */
    struct hdfs_problem problem;         /* of a refusal */
    unsigned node;                       /* which NameNode answered */
    int64_t sent_us, answered_us;        /* CLOCK_REALTIME around the exchange */
    char address[TRANSFER_ADDRESS_SIZE]; /* where it is */
    uint16_t port;
};

void namenode_answer_init(struct namenode_answer *answer);
void namenode_answer_fini(struct namenode_answer *answer);

/* Asks the active NameNode, looking for it where needed; waits out start-up and safe mode within
 * call's wait. True: an answer below 400. */
bool namenode_call(struct namenodes *namenodes, const struct call *call,
                   const struct namenode_request *request, struct namenode_answer *answer,
                   struct error *error);
/* Asks this one and no other. */
bool namenode_call_at(struct namenodes *namenodes, const struct call *call, unsigned node,
                      const struct namenode_request *request, struct namenode_answer *answer,
                      struct error *error);

/* The calling thread has read from that one; namenode_call() does it. */
void namenodes_note_answer(struct namenodes *namenodes, const struct call *call, unsigned node);
/* What the calling thread has read in call's scope since its last forget: true and the one NameNode
 * that answered all of it (HDFS_NODE_ANY: it has read nothing); false: the active one changed in
 * between, and the reads prove nothing together. */
bool namenodes_looked_at(struct namenodes *namenodes, const struct call *call, unsigned *ret_node);
void namenodes_forget_looks(struct namenodes *namenodes);

/* Connections, kept from one call to the next. */
struct transfer *namenodes_take_transfer(struct namenodes *namenodes);
void namenodes_give_transfer(struct namenodes *namenodes, struct transfer *transfer);

/* Transfer limits of a call. */
struct transfer_order namenode_order(const struct call *call, enum http_method method,
                                     const char *url);

#endif
