/* notify.h: keyspace notifications: which events are wanted, and telling them.
 *
 * Terms: an *event* is what happened to a key, by Redis's name for it ("set", "expired"); its *class* follows from the name. Classes are
 * the letters of notify-keyspace-events.
 */
#ifndef CAIRN_COMMAND_NOTIFY_H
#define CAIRN_COMMAND_NOTIFY_H

#include "command/inbox.h"
#include "util/slice.h"

#define NOTIFY_KEYSPACE (1u << 0)  /* K: to __keyspace@<db>__:<key> */
#define NOTIFY_KEYEVENT (1u << 1)  /* E: to __keyevent@<db>__:<event> */
#define NOTIFY_GENERIC  (1u << 2)  /* g */
#define NOTIFY_STRING   (1u << 3)  /* $ */
#define NOTIFY_LIST     (1u << 4)  /* l */
#define NOTIFY_SET      (1u << 5)  /* s */
#define NOTIFY_HASH     (1u << 6)  /* h */
#define NOTIFY_ZSET     (1u << 7)  /* z */
#define NOTIFY_EXPIRED  (1u << 8)  /* x */
#define NOTIFY_EVICTED  (1u << 9)  /* e */
#define NOTIFY_STREAM   (1u << 10) /* t */
#define NOTIFY_KEY_MISS (1u << 11) /* m */
#define NOTIFY_MODULE   (1u << 12) /* d */
#define NOTIFY_NEW      (1u << 13) /* n */
#define NOTIFY_ALL                                                                                           \
    (NOTIFY_GENERIC | NOTIFY_STRING | NOTIFY_LIST | NOTIFY_SET | NOTIFY_HASH | NOTIFY_ZSET |                 \
     NOTIFY_EXPIRED | NOTIFY_EVICTED | NOTIFY_STREAM | NOTIFY_MODULE) /* A */

/* The classes that the letters name; 0 when neither K nor E is among them: nothing is told then. */
uint32_t notify_classes(struct slice letters);
/* The class of an event. */
uint32_t notify_class_of(const char *event);

/* Publishes the event where it is wanted; returns the workers that have to be woken. Any thread, any lock. */
uint64_t notify_send(struct server_state *server, struct inbox_sender *sender, const char *event, unsigned db,
                     struct slice key);

#endif
