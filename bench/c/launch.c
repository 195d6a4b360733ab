/*
 * Runs a program to its end and says what it cost.
 *   launch REPORT PROGRAM ARGUMENT...
 * Writes to REPORT, as JSON: user and sys CPU (us), wall (us), peak RSS (KiB), exit status (128 + signal when it was
 * killed). SIGTERM is passed on to the program. These are wait4's: the program with all its threads, and those of its children that it waited for. The program is
 * started from this small one because its peak RSS begins with that of what it was forked from.
 *   launch - PROGRAM ARGUMENT...
 * only becomes the program. Either way it ends with whoever started this one.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t micros(struct timeval t) { return (int64_t)t.tv_sec * 1000000 + t.tv_usec; }

static pid_t child;

static void pass_on(int number) { kill(child, number); }

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: launch REPORT PROGRAM ARGUMENT...\n");
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (strcmp(argv[1], "-") == 0) {
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 127;
  }
  struct timespec began, ended;
  clock_gettime(CLOCK_MONOTONIC, &began);
  child = fork();
  if (child < 0) {
    perror("fork");
    return 1;
  }
  if (child == 0) {
    /* It is not inherited. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(argv[2], argv + 2);
    fprintf(stderr, "launch: %s: %s\n", argv[2], strerror(errno));
    _exit(127);
  }
  signal(SIGTERM, pass_on);
  int status;
  struct rusage usage;
  while (wait4(child, &status, 0, &usage) < 0)
    if (errno != EINTR) return 1;
  clock_gettime(CLOCK_MONOTONIC, &ended);
  int64_t wall = (int64_t)(ended.tv_sec - began.tv_sec) * 1000000 + (ended.tv_nsec - began.tv_nsec) / 1000;
  int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  FILE *report = fopen(argv[1], "w");
  if (report == NULL) {
    perror(argv[1]);
    return 1;
  }
  fprintf(report, "{\"user\":%" PRId64 ",\"sys\":%" PRId64 ",\"wall\":%" PRId64 ",\"rss\":%ld,\"code\":%d}\n",
          micros(usage.ru_utime), micros(usage.ru_stime), wall, usage.ru_maxrss, code);
  return fclose(report) == 0 ? 0 : 1;
}
