/*
 * Renames new files into a directory, over those of the same name.
 *   renames ASIDE INTO COUNT NAMES
 * makes ASIDE/NAME and renames it to INTO/NAME, COUNT times in all, with NAMES different names of SSTable components. A
 * watcher of INTO gets one IN_MOVED_TO for each. 4,096 are free; each byte on standard input allows as many more, so that
 * the kernel's queue of 16,384 events does not overflow.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STEP 4096

static const char *const COMPONENTS[] = {"Data.db",   "Index.db",      "Filter.db",  "Summary.db",
                                         "TOC.txt",   "Statistics.db", "Digest.crc32", "CompressionInfo.db"};

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: renames ASIDE INTO COUNT NAMES\n");
    return 2;
  }
  long count = atol(argv[3]), names = atol(argv[4]);
  long allowed = STEP;
  char from[4096], to[4096], name[64];
  for (long at = 0; at < count; at++) {
    if (at == allowed) {
      char byte;
      if (read(STDIN_FILENO, &byte, 1) != 1) return 1;
      allowed += STEP;
    }
    long number = at % names;
    snprintf(name, sizeof name, "nb-%ld-big-%s", 1 + number / 8, COMPONENTS[number % 8]);
    snprintf(from, sizeof from, "%s/%s", argv[1], name);
    snprintf(to, sizeof to, "%s/%s", argv[2], name);
    int file = open(from, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || close(file) != 0 || rename(from, to) != 0) {
      perror(to);
      return 1;
    }
  }
  return 0;
}
