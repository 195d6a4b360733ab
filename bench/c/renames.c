/*
 * Renames new files into a directory, over those of the same name.
 *   renames ASIDE INTO COUNT NAMES
 * makes ASIDE/NAME and renames it to INTO/NAME, COUNT times in all, with NAMES different names of SSTable components. A
 * watcher of INTO gets one IN_MOVED_TO for each. Files are made first and then renamed in bursts of at most 4,096: that
 * is what fills a queue. Two bursts are free; each byte on standard input allows another, so that the kernel's queue of
 * 16,384 events does not overflow.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STEP 4096

static const char *const COMPONENTS[] = {"Data.db",   "Index.db",      "Filter.db",  "Summary.db",
                                         "TOC.txt",   "Statistics.db", "Digest.crc32", "CompressionInfo.db"};

static char from[4096], to[4096];

static void name(char **argv, long at) {
  long number = at % atol(argv[4]);
  const char *component = COMPONENTS[number % 8];
  snprintf(from, sizeof from, "%s/nb-%ld-big-%s", argv[1], 1 + number / 8, component);
  snprintf(to, sizeof to, "%s/nb-%ld-big-%s", argv[2], 1 + number / 8, component);
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: renames ASIDE INTO COUNT NAMES\n");
    return 2;
  }
  long count = atol(argv[3]), names = atol(argv[4]);
  long burst = names < STEP ? names : STEP;
  /* What may be queued is counted in events. */
  long allowed = 2 * STEP;
  for (long done = 0; done < count;) {
    long end = done + burst < count ? done + burst : count;
    for (long at = done; at < end; at++) {
      name(argv, at);
      int file = open(from, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
      if (file < 0 || close(file) != 0) {
        perror(from);
        return 1;
      }
    }
    while (end > allowed) {
      char byte;
      if (read(STDIN_FILENO, &byte, 1) != 1) return 1;
      allowed += STEP;
    }
    for (; done < end; done++) {
      name(argv, done);
      if (rename(from, to) != 0) {
        perror(to);
        return 1;
      }
    }
  }
  return 0;
}
