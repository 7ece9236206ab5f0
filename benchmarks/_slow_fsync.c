/* A disk that is slower than this machine's: every fsync and fdatasync takes 5 ms longer.
 * cc -shared -fPIC -O2 -o slow_fsync.so _slow_fsync.c -ldl; LD_PRELOAD=…/slow_fsync.so program */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

typedef int (*sync_function)(int);

static int slowly(const char *name, sync_function *next, int file)
{
    const struct timespec longer = {0, 5 * 1000 * 1000};

    if (*next == NULL)
        *next = (sync_function)dlsym(RTLD_NEXT, name);
    nanosleep(&longer, NULL);
    return (*next)(file);
}

int fsync(int file)
{
    static sync_function next;

    return slowly("fsync", &next, file);
}

int fdatasync(int file)
{
    static sync_function next;

    return slowly("fdatasync", &next, file);
}
