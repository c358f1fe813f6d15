/* looks.c: see looks.h. A thread that ends and a store that is closed may meet: so one lock of the
 * process is over all links. It is held for a few steps beside an exchange over the network. */
#include "component/hdfs/webhdfs/looks.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key; /* struct list: the thread's looks */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void end_look(struct look *look)
{
    list_remove(&look->of_store);
    list_remove(&look->of_thread);
    free(look);
}

static void end_thread(void *value)
{
    struct list *own = value;
    pthread_mutex_lock(&lock);
    list_for_each(look, own, struct look, of_thread)
        end_look(look);
    pthread_mutex_unlock(&lock);
    free(own);
}

static void make_key(void)
{
    if (pthread_key_create(&key, end_thread) != 0)
        check_out_of_memory(sizeof key);
}

static struct list *own_looks(void)
{
    CHECK(pthread_once(&once, make_key) == 0);
    struct list *own = pthread_getspecific(key);
    if (own != NULL)
        return own;
    own = memory_new(sizeof *own);
    list_init(own);
    CHECK(pthread_setspecific(key, own) == 0);
    return own;
}

void looks_init(struct list *looks)
{
    list_init(looks);
}

void looks_fini(struct list *looks)
{
    pthread_mutex_lock(&lock);
    list_for_each(look, looks, struct look, of_store)
        end_look(look);
    pthread_mutex_unlock(&lock);
}

struct look *look_of_thread(struct list *looks)
{
    struct list *own = own_looks();
    struct look *found = NULL;
    pthread_mutex_lock(&lock);
    list_for_each(look, own, struct look, of_thread)
        found = look->store == looks ? look : found;
    if (found == NULL) {
        found = memory_new(sizeof *found);
        found->store = looks;
        list_append(looks, &found->of_store);
        list_append(own, &found->of_thread);
    }
    pthread_mutex_unlock(&lock);
    return found;
}
