#include "os/crash.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "base/number.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { STACK_BYTES = 256 * 1024, FRAMES_MAX = 100 };

static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

/* What the handler finds. A handler gets no argument of ours, hence a global. */
static struct crash_settings crash;
static void *crash_stack;
static volatile sig_atomic_t crash_reporting;

/* Only calls that are safe in a handler follow: no printf, no malloc. */
static void put(int file, struct bytes text)
{
    while (text.count > 0) {
        ssize_t written = write(file, text.at, text.count);
        if (written <= 0)
            return;
        text = bytes_of(text.at + written, text.count - (size_t)written);
    }
}

static void put_text(int file, const char *text)
{
    put(file, bytes_of_text(text));
}

static void put_number(int file, int64_t number)
{
    uint8_t text[NUMBER_I64_MAX];
    put(file, bytes_of(text, number_write_i64(text, number)));
}

static void put_hex(int file, uint64_t word)
{
    char text[16];
    for (int i = 15; i >= 0; i--, word >>= 4)
        text[i] = "0123456789abcdef"[word & 15];
    put(file, bytes_of(text, sizeof(text)));
}

static void put_field(int file, const char *name, const char *text)
{
    put_text(file, name);
    put_text(file, text);
    put_text(file, "\n");
}

static const char *signal_name(int number)
{
    switch (number) {
    case SIGSEGV:
        return "SIGSEGV";
    case SIGBUS:
        return "SIGBUS";
    case SIGFPE:
        return "SIGFPE";
    case SIGILL:
        return "SIGILL";
    case SIGABRT:
        return "SIGABRT";
    default:
        return "unknown";
    }
}

static void put_signal(int file, int number, const siginfo_t *info)
{
    put_text(file, "signal:  ");
    put_number(file, number);
    put_field(file, " ", signal_name(number));
    put_text(file, "code:    ");
    put_number(file, info->si_code);
    /* Sent by a process, si_code is 0 or less and there is no address, but a sender. */
    put_text(file, info->si_code > 0 ? "\naddress: 0x" : "\nsender:  ");
    if (info->si_code > 0)
        put_hex(file, (uint64_t)(uintptr_t)info->si_addr);
    else
        put_number(file, info->si_pid);
    put_text(file, "\n");
}

static void put_register(int file, const char *name, uint64_t value, bool last)
{
    put_text(file, name);
    put_text(file, ":");
    put_hex(file, value);
    put_text(file, last ? "\n" : " ");
}

#if defined(__x86_64__)
static void put_registers(int file, const ucontext_t *context)
{
    static const struct {
        const char *name;
        int index;
    } rows[] = {
        { "RAX", REG_RAX }, { "RBX", REG_RBX }, { "RCX", REG_RCX }, { "RDX", REG_RDX },
        { "RDI", REG_RDI }, { "RSI", REG_RSI }, { "RBP", REG_RBP }, { "RSP", REG_RSP },
        { "R8 ", REG_R8 },  { "R9 ", REG_R9 },  { "R10", REG_R10 }, { "R11", REG_R11 },
        { "R12", REG_R12 }, { "R13", REG_R13 }, { "R14", REG_R14 }, { "R15", REG_R15 },
        { "RIP", REG_RIP }, { "EFL", REG_EFL }, { "ERR", REG_ERR }, { "CR2", REG_CR2 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t value = (uint64_t)context->uc_mcontext.gregs[rows[i].index];
        put_register(file, rows[i].name, value, i % 4 == 3);
    }
}
#elif defined(__aarch64__)
static void put_registers(int file, const ucontext_t *context)
{
    for (int i = 0; i < 31; i++) {
        put_text(file, "X");
        put_number(file, i);
        put_register(file, "", context->uc_mcontext.regs[i], i % 4 == 3);
    }
    put_register(file, "SP", context->uc_mcontext.sp, true);
    put_register(file, "PC", context->uc_mcontext.pc, false);
    put_register(file, "PSTATE", context->uc_mcontext.pstate, true);
}
#else
static void put_registers(int file, const ucontext_t *context)
{
    (void)context;
    put_text(file, "(not known for this machine)\n");
}
#endif

static void put_stack(int file)
{
    void *frames[FRAMES_MAX];
    int count = backtrace(frames, FRAMES_MAX);
    backtrace_symbols_fd(frames, count, file);
}

static void put_report(int file, int number, const siginfo_t *info, const ucontext_t *context)
{
    put_text(file, "\n=== SNUG CRASH REPORT BEGINS ===\n");
    put_field(file, "version: ", crash.version);
    put_text(file, "process: ");
    put_number(file, getpid());
    put_text(file, "\ntime:    ");
    put_number(file, time(NULL));
    put_text(file, " seconds since 1970, UTC\n");
    put_signal(file, number, info);
    put_text(file, "\n------ REGISTERS ------\n");
    put_registers(file, context);
    put_text(file, "\n------ STACK TRACE ------\n");
    put_stack(file);
}

/* A second crash, or an addition that hangs, must not keep the process from ending. */
static void add_more(int file)
{
    if (crash.add == NULL)
        return;
    struct sigaction end = { .sa_handler = SIG_DFL };
    sigaction(SIGALRM, &end, NULL);
    alarm(CRASH_ADD_SECONDS);
    put_text(file, "\n");
    crash.add(crash.context, file);
    alarm(0);
}

static void end_by(int number)
{
    struct sigaction end = { .sa_handler = SIG_DFL };
    sigaction(number, &end, NULL);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, number);
    raise(number);
    pthread_sigmask(SIG_UNBLOCK, &only, NULL);
    _exit(128 + number);
}

static void on_crash(int number, siginfo_t *info, void *context)
{
    if (crash_reporting)
        end_by(number);
    crash_reporting = 1;
    bool to_file = crash.path != NULL && crash.path[0] != '\0';
    int file = STDOUT_FILENO;
    if (to_file)
        file = open(crash.path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0)
        file = STDERR_FILENO;
    put_report(file, number, info, context);
    add_more(file);
    put_text(file, "\n=== SNUG CRASH REPORT ENDS ===\n"
                   "Please report this with all lines above, and how it came to it if known.\n");
    end_by(number);
}

static bool handle(void)
{
    struct sigaction action = {
        .sa_sigaction = on_crash,
        .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
    };
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < SIGNALS; i++) {
        if (sigaction(signals[i], &action, NULL) != 0)
            return false;
    }
    return true;
}

/* A stack that overflowed is a likely reason to crash, so the handler brings its own. The first
 * backtrace loads a library, which must not happen in the handler. */
bool crash_install(const struct crash_settings *settings)
{
    void *frame[1];
    backtrace(frame, 1);
    if (crash_stack == NULL) {
        crash_stack = memory_take(STACK_BYTES);
        if (crash_stack == NULL)
            return false;
        stack_t stack = { .ss_sp = crash_stack, .ss_size = STACK_BYTES };
        if (sigaltstack(&stack, NULL) != 0) {
            memory_give(crash_stack);
            crash_stack = NULL;
            return false;
        }
    }
    crash = *settings;
    crash_reporting = 0;
    if (handle())
        return true;
    crash_remove();
    return false;
}

void crash_remove(void)
{
    struct sigaction system = { .sa_handler = SIG_DFL };
    sigemptyset(&system.sa_mask);
    for (int i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &system, NULL);
    if (crash_stack == NULL)
        return;
    stack_t none = { .ss_flags = SS_DISABLE };
    if (sigaltstack(&none, NULL) != 0)
        return; /* in use: it stays */
    memory_give(crash_stack);
    crash_stack = NULL;
}
