/* inspect.c: PFDEBUG and PFSELFTEST: what developers and tests ask of HyperLogLogs. */
#include "command/arguments.h"
#include "command/hyperloglog/hyperloglog_commands.h"
#include "command/hyperloglog/hyperloglog_keys.h"

#include <math.h>
#include <stdio.h>

static void pfdebug(struct call *call);
const struct command hyperloglog_pfdebug = {
    .name = "pfdebug",
    .handler = pfdebug,
    .arity = 3,
    .flags = COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_ADMIN,
    .categories = CATEGORY_HYPERLOGLOG,
    .group = GROUP_HYPERLOGLOG,
    .since = "2.8.9",
    .summary = "Shows how a HyperLogLog is kept, and makes it dense.",
    .complexity = "O(1)",
    .specs = {KEY_AT(2, KEY_RW | KEY_ACCESS)},
    .arguments = ARGUMENTS(ARGUMENT("subcommand", ARG_STRING), ARGUMENT_KEY("key", 0)),
};

/* Registers of the string; a sparse one is made dense, too. False after a failure or a damaged string. */
static bool make_dense(struct call *call, struct slice bytes, enum hyperloglog_form form,
                       uint8_t registers[HYPERLOGLOG_REGISTERS])
{
    memset(registers, 0, HYPERLOGLOG_REGISTERS);
    if (!hyperloglog_merge(bytes, registers)) {
        hyperloglog_keys_damaged(call);
        return false;
    }
    if (form == HYPERLOGLOG_DENSE) return true;
    enum error error = hyperloglog_keys_put_dense(call, 0, registers, bytes);
    if (error) {
        call_fail(call, error);
        return false;
    }
    call->changes++;
    return true;
}

static void show_registers(struct call *call, struct slice bytes, enum hyperloglog_form form)
{
    uint8_t registers[HYPERLOGLOG_REGISTERS];

    if (!make_dense(call, bytes, form, registers)) return;
    resp_array(call->out, HYPERLOGLOG_REGISTERS);
    for (size_t i = 0; i < HYPERLOGLOG_REGISTERS; i++)
        resp_int(call->out, registers[i]);
}

#define OPCODE_TEXT_MAX 16 /* "Z:16384 " and such */

/* The opcodes as text: z:n and Z:n for runs of zeros said in one byte and in two, v:value,n for others. */
static void show_opcodes(struct call *call, struct slice bytes, enum hyperloglog_form form)
{
    char text[HYPERLOGLOG_REGISTERS * OPCODE_TEXT_MAX];
    struct hyperloglog_run run;
    size_t len = 0;

    if (form != HYPERLOGLOG_SPARSE) {
        resp_error(call->out, "ERR HLL encoding is not sparse");
        return;
    }
    for (size_t at = HYPERLOGLOG_HEADER_BYTES; hyperloglog_run(bytes, at, &run); at += run.bytes) {
        if (run.registers == 0 || len + OPCODE_TEXT_MAX > sizeof text) {
            hyperloglog_keys_damaged(call);
            return;
        }
        int more = run.value > 0 ? snprintf(text + len, OPCODE_TEXT_MAX, "v:%u,%u ", run.value, run.registers)
                                 : snprintf(text + len, OPCODE_TEXT_MAX, "%c:%u ", run.bytes == 1 ? 'z' : 'Z',
                                            run.registers);
        len += (size_t)more;
    }
    resp_bulk(call->out, text, len > 0 ? len - 1 : 0);
}

static void to_dense(struct call *call, struct slice bytes, enum hyperloglog_form form)
{
    uint8_t registers[HYPERLOGLOG_REGISTERS];

    if (make_dense(call, bytes, form, registers)) resp_int(call->out, form == HYPERLOGLOG_SPARSE);
}

static void pfdebug(struct call *call)
{
    char text[ENTRY_INT_TEXT_MAX];
    struct slice bytes;
    enum hyperloglog_form form;
    const struct entry *entry = call_edit(call, 0);

    if (!entry) {
        resp_error(call->out, "ERR The specified key does not exist");
        return;
    }
    if (!hyperloglog_keys_open(call, entry, text, &bytes, &form)) return;
    if (call_arg_is(call, 1, "getreg")) show_registers(call, bytes, form);
    else if (call_arg_is(call, 1, "decode")) show_opcodes(call, bytes, form);
    else if (call_arg_is(call, 1, "encoding"))
        resp_simple(call->out, form == HYPERLOGLOG_DENSE ? "dense" : "sparse");
    else if (call_arg_is(call, 1, "todense")) to_dense(call, bytes, form);
    else
        resp_errorf(call->out, "ERR Unknown PFDEBUG subcommand '%.*s'", (int)call->argv[1].len,
                    call->argv[1].ptr);
}

/* ---- PFSELFTEST ---- */

#define SELFTEST_ROUNDS   10
#define SELFTEST_ELEMENTS 100000
#define SELFTEST_SPARSE   3000 /* bytes up to which the sparse form is kept beside */
#define SELFTEST_ERRORS   5    /* standard errors that an estimate may be off */

static void pfselftest(struct call *call);
const struct command hyperloglog_pfselftest = {
    .name = "pfselftest",
    .handler = pfselftest,
    .arity = 1,
    .flags = COMMAND_ADMIN,
    .categories = CATEGORY_HYPERLOGLOG,
    .group = GROUP_HYPERLOGLOG,
    .since = "2.8.9",
    .summary = "Checks the registers and the estimate of HyperLogLogs on made-up elements.",
    .complexity = "N/A",
};

/* Every register keeps its value beside its neighbours, in the dense form. */
static bool registers_hold(void)
{
    uint8_t registers[HYPERLOGLOG_REGISTERS] = {0};
    char bytes[HYPERLOGLOG_DENSE_BYTES], contents[HYPERLOGLOG_REGISTER_BYTES];
    size_t len;

    hyperloglog_write_dense(registers, bytes);
    for (uint32_t round = 0; round < SELFTEST_ROUNDS; round++) {
        for (uint32_t i = 0; i < HYPERLOGLOG_REGISTERS; i++) {
            registers[i] = (uint8_t)((i * 7 + round * 13) & HYPERLOGLOG_VALUE_MAX);
            struct hyperloglog_place place = {i, registers[i]};
            size_t at = hyperloglog_dense_put((struct slice){bytes, sizeof bytes}, place, contents, &len);
            memcpy(bytes + at, contents, len);
        }
        for (uint32_t i = 0; i < HYPERLOGLOG_REGISTERS; i++)
            if (hyperloglog_dense_get(bytes, i) != registers[i]) return false;
    }
    return true;
}

/* Sparse and dense hold the same, and the estimate is near, all along the way. */
static bool estimates_hold(void)
{
    uint8_t registers[HYPERLOGLOG_REGISTERS] = {0}, again[HYPERLOGLOG_REGISTERS];
    char sparse[SELFTEST_SPARSE];
    const double standard_error = 1.04 / sqrt(HYPERLOGLOG_REGISTERS);
    uint64_t checkpoint = 1;
    size_t len = hyperloglog_init(sparse);
    bool is_sparse = true;

    for (uint64_t i = 1; i <= SELFTEST_ELEMENTS; i++) {
        struct hyperloglog_place place = hyperloglog_place((struct slice){(const char *)&i, sizeof i});
        if (registers[place.index] < place.value) registers[place.index] = place.value;
        if (is_sparse)
            is_sparse = hyperloglog_sparse_raise(sparse, &len, sizeof sparse, place) <= HYPERLOGLOG_KEPT;
        if (i != checkpoint) continue;
        checkpoint *= 10;
        memset(again, 0, sizeof again);
        if (is_sparse && !hyperloglog_merge((struct slice){sparse, len}, again)) return false;
        if (is_sparse && memcmp(again, registers, sizeof again) != 0) return false;
        double off = fabs((double)hyperloglog_estimate(registers) - (double)i);
        if (off > ceil(SELFTEST_ERRORS * standard_error * (double)i)) return false;
    }
    return true;
}

static void pfselftest(struct call *call)
{
    if (!registers_hold()) resp_error(call->out, "TESTFAILED A register does not keep its value");
    else if (!estimates_hold())
        resp_error(call->out, "TESTFAILED Sparse and dense differ, or the estimate is too far off");
    else resp_ok(call->out);
}
