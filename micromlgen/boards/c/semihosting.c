/* semihosting.c - files of the host by the calls that Arm defined and RISC-V took over.
 *
 * The including file defines semihost().
 */
enum operation { OPEN = 0x01, SAY = 0x04, WRITE = 0x05, READ = 0x06, EXIT = 0x18 };
enum mode { FOR_READING = 1, FOR_WRITING = 5 }; /* fopen's "rb" and "wb" */
enum reason { FAILURE = 0x20023, SUCCESS = 0x20026 }; /* stopped by a run-time error, or by exit() */

static void stop(enum reason reason)
{
    for (;;) {
        semihost(EXIT, reason);
    }
}

static void fail(const char *why)
{
    semihost(SAY, (uintptr_t)why);
    stop(FAILURE);
}

static uintptr_t open_file(const char *name, enum mode mode)
{
    uintptr_t arguments[3] = {(uintptr_t)name, mode, 0};
    while (name[arguments[2]]) {
        arguments[2]++;
    }
    return semihost(OPEN, (uintptr_t)arguments);
}

/* Returns the number of bytes that were NOT transferred. */
static uintptr_t transfer(enum operation operation, uintptr_t file, const void *bytes, uintptr_t size)
{
    const uintptr_t arguments[3] = {file, (uintptr_t)bytes, size};
    return semihost(operation, (uintptr_t)arguments);
}
