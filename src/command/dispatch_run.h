/* dispatch_run.h: a batch being executed: what dispatch.c shares with EXEC, which executes commands of its own. */
#ifndef CAIRN_COMMAND_DISPATCH_RUN_H
#define CAIRN_COMMAND_DISPATCH_RUN_H

#include "command/call.h"
#include "command/kept.h"
#include "command/server_state.h"
#include "resp/parse.h"

struct run {
    struct worker *worker;
    struct server_state *server;
    struct session *session;
    struct resp_out *out;
    size_t out_begin; /* out->len before the first request */
    int64_t now_ms;
    uint64_t ticks; /* when the last command ended */
    bool inside;    /* the gate, shared */
    bool promised;  /* the redo journal keeps room for the next transaction (tx_promise); only while inside */
    size_t bytes_unseen; /* of requests since memory was looked at */
    enum error room;     /* heap_journal_room */
    bool memory_known;
    bool memory_stuck; /* above the limit, and nothing can go */
    /* settings, read once per batch and after each command that may change them */
    uint64_t note_from_ns; /* slower commands are looked at by note_slow */
    bool track_latency;
    uint32_t wants; /* server->wants */
    bool monitored; /* somebody is shown all commands */
};

void dispatch__enter_shared(struct run *run);
void dispatch__leave_shared(struct run *run);
/* Whether the redo journal has room for what a command of so many bytes logs, before anything is locked: false when it should be
 * tried again later. On true the worker is inside shared if the command is large, and the room is kept until it leaves. */
bool dispatch__journal_has_room(struct run *run, uint64_t command_bytes);
/* Frees a bounded part of what flushes have dropped; false when there is nothing (H7). No lock is held, no transaction open. */
bool dispatch__reclaim_some(struct run *run);
/* A run of what a session has asked for, outside of a batch. */
struct run dispatch__run(struct worker *worker, struct session *session, struct resp_out *out);
/* The call of a command of this session; the reply begins at the end of run->out. */
struct call dispatch__call(struct run *run, const struct command *command, const struct resp_request *request,
                           const struct key *keys, size_t key_count);
/* Whether a queued command may run now that EXEC has come to it: rules may have changed. False after having replied the error. */
bool dispatch__user_still_may(struct run *run, const struct kept_command *command);
/* Executes a call from the gate to its accounting. `stripes`: of its keys. */
void dispatch__execute(struct run *run, struct call *call, const struct command_entry *entry,
                       uint64_t stripes);
/* From the transaction's beginning to its end. The caller is alone in the server, and serves who waits for the keys behind it. */
void dispatch__run_alone(struct call *call);
/* Runs the handler inside an open transaction, and what belongs to it. */
void dispatch__handle(struct call *call);
/* Counts a call that was executed since run->ticks. */
void dispatch__account(struct run *run, const struct call *call, const struct command_entry *entry);
/* Counts one that was refused, as the reply from reply_at on says; NULL: there is no such command. */
void dispatch__account_refusal(struct run *run, const struct command_entry *entry, size_t reply_at);

#endif
