/*
 * What of a file is in the page cache.
 *   pages map FILE                 writes one byte for each page to standard output: 1 where it is resident, else 0
 *   pages warm FILE FROM TO        reads these bytes into the page cache
 *   pages evict FILE               writes the file back and lets go of all its pages
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *what) {
  perror(what);
  return 1;
}

static int map(int file, size_t size) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (size + page - 1) / page;
  if (pages == 0) return 0;
  unsigned char *states = malloc(pages);
  void *memory = mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0);
  if (states == NULL || memory == MAP_FAILED || mincore(memory, size, states) != 0) return fail("mincore");
  for (size_t at = 0; at < pages; at++) states[at] &= 1;
  return fwrite(states, 1, pages, stdout) == pages && fflush(stdout) == 0 ? 0 : fail("write");
}

static int warm(int file, off_t from, off_t to) {
  static char piece[1 << 20];
  for (off_t at = from; at < to;) {
    size_t want = to - at < (off_t)sizeof piece ? (size_t)(to - at) : sizeof piece;
    ssize_t got = pread(file, piece, want, at);
    if (got < 0) return fail("read");
    if (got == 0) break;
    at += got;
  }
  return 0;
}

int main(int argc, char **argv) {
  struct stat info;
  if (argc < 3) {
    fprintf(stderr, "usage: pages map|evict FILE | pages warm FILE FROM TO\n");
    return 2;
  }
  int file = open(argv[2], O_RDWR | O_CLOEXEC);
  if (file < 0 || fstat(file, &info) != 0) return fail(argv[2]);
  if (strcmp(argv[1], "map") == 0) return map(file, (size_t)info.st_size);
  if (strcmp(argv[1], "warm") == 0 && argc == 5) {
    /* Without this the kernel reads ahead of what was asked for. */
    posix_fadvise(file, 0, 0, POSIX_FADV_RANDOM);
    return warm(file, atoll(argv[3]), atoll(argv[4]));
  }
  if (fsync(file) != 0) return fail("fsync");
  int error = posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  if (error != 0) fprintf(stderr, "evict: %s\n", strerror(error));
  return error == 0 ? 0 : 1;
}
