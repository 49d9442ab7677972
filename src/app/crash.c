/* crash.c: fatal signals (crash.h). A handler has no context passed in: what it needs is in `watch`. */
#include "app/crash.h"

#include "util/assert.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#define FRAMES_MAX  64
#define STACK_BYTES (64 * 1024)
#define HEAP_REACH  (UINT64_C(1) << 40) /* the address space that a heap reserves at least */

static struct {
    struct log *log;
    const char *_Atomic heap_base;
    _Atomic bool is_on;
    atomic_flag taken; /* one report is enough */
} watch = {.taken = ATOMIC_FLAG_INIT};

static void report_fault(int signal_number, const siginfo_t *info)
{
    const char *address = info->si_addr;
    const char *base = atomic_load(&watch.heap_base);
    log_line(watch.log, LOG_WARNING,
             "=== cairn has crashed. Please report it with the lines from here to the end ===");
    log_line(watch.log, LOG_WARNING, "cairn %s crashed by signal: %d, si_code: %d", CAIRN_VERSION,
             signal_number, info->si_code);
    if (signal_number == SIGABRT || info->si_code <= 0) return; /* sent, no address */
    log_line(watch.log, LOG_WARNING, "Accessing address: %p", info->si_addr);
    bool in_heap = base && address >= base && (uint64_t)(address - base) < HEAP_REACH;
    if (signal_number == SIGBUS && in_heap)
        log_line(
            watch.log, LOG_WARNING,
            "The heap file could not be read or written at offset %llu: the medium has an error, or another "
            "process has truncated the file. Check the medium, then the heap with: cairn check FILE",
            (unsigned long long)(address - base));
}

static void report_registers(const void *context)
{
    const ucontext_t *state = context;
#if defined(__x86_64__)
    static const char *const names[] = {"R8",  "R9",  "R10", "R11", "R12", "R13", "R14", "R15", "RDI",
                                        "RSI", "RBP", "RBX", "RDX", "RAX", "RCX", "RSP", "RIP"};
    const greg_t *values = state->uc_mcontext.gregs;
    log_line(watch.log, LOG_WARNING, "Crashed running the instruction at: %p",
             (void *)(uintptr_t)values[REG_RIP]);
    log_line(watch.log, LOG_WARNING, "------ REGISTERS ------");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        log_line(watch.log, LOG_WARNING, "%s:%016llx", names[i], (unsigned long long)values[i]);
#elif defined(__aarch64__)
    log_line(watch.log, LOG_WARNING, "Crashed running the instruction at: %p",
             (void *)(uintptr_t)state->uc_mcontext.pc);
    log_line(watch.log, LOG_WARNING, "------ REGISTERS ------");
    for (size_t i = 0; i < 31; i++)
        log_line(watch.log, LOG_WARNING, "X%zu:%016llx", i, (unsigned long long)state->uc_mcontext.regs[i]);
#else
    (void)state;
#endif
}

static void report_assertion(const char *file, int line, const char *condition)
{
    log_line(watch.log, LOG_WARNING, "=== ASSERTION FAILED ===");
    log_line(watch.log, LOG_WARNING, "==> %s:%d '%s' is not true", file, line, condition);
}

static void report_backtrace(void)
{
    void *frames[FRAMES_MAX];
    log_line(watch.log, LOG_WARNING, "------ STACK TRACE ------");
    int count = backtrace(frames, FRAMES_MAX);
    int fd = watch.log->file ? open(watch.log->file, O_WRONLY | O_APPEND | O_CLOEXEC) : STDOUT_FILENO;
    if (fd >= 0) backtrace_symbols_fd(frames, count, fd);
    if (fd > STDERR_FILENO) close(fd);
}

static void on_fault(int signal_number, siginfo_t *info, void *context)
{
    signal(signal_number, SIG_DFL);
    if (atomic_load(&watch.is_on) && !atomic_flag_test_and_set(&watch.taken)) {
        report_fault(signal_number, info);
        report_backtrace();
        report_registers(context);
        log_line(watch.log, LOG_WARNING, "=== end of the report ===");
    }
    raise(signal_number);
}

/* Where is it? The server goes on. */
static void on_question(int signal_number, siginfo_t *info, void *context)
{
    (void)signal_number;
    (void)info;
    (void)context;
    int error = errno;
    log_line(watch.log, LOG_WARNING, "Received SIGALRM");
    report_backtrace();
    errno = error;
}

void crash_watch(struct log *log)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    static char stack[STACK_BYTES]; /* so that a stack overflow of the main thread is reported, too */
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    void *frame;
    watch.log = log;
    backtrace(&frame, 1); /* loads what it needs while allocating is still fine */
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
    action.sa_sigaction = on_question;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    assert_set_reporter(report_assertion);
}

void crash_set_log(bool on)
{
    atomic_store(&watch.is_on, on);
}

void crash_watch_heap(const struct heap *heap)
{
    atomic_store(&watch.heap_base, heap ? heap_base(heap) : NULL);
}
