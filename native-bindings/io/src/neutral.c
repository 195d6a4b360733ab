#include "neutral.h"
#include "residency.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef RWF_DONTCACHE
#define RWF_DONTCACHE 0x00000080 /* since Linux 6.14; include/uapi/linux/fs.h */
#endif

static bool uses_kernel = true;
static bool left_pages;

/* Devices on which RWF_DONTCACHE is not supported: each costs one failed call. Beyond the last, one for each read. */
enum { MOST_DEVICES = 64 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static dev_t unsupported[MOST_DEVICES];
static int known;

static bool is_unsupported(dev_t device) {
  bool found = false;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < known && !found; i++) found = unsupported[i] == device;
  pthread_mutex_unlock(&lock);
  return found;
}

static void remember(dev_t device) {
  pthread_mutex_lock(&lock);
  if (known < MOST_DEVICES) unsupported[known++] = device;
  pthread_mutex_unlock(&lock);
}

static void drop(int fd, off_t start, size_t pages, size_t page, const unsigned char *resident) {
  for (size_t i = 0; i < pages;) {
    size_t first = i;
    while (i < pages && !(resident[i] & 1)) i++;
    if (i > first)
      posix_fadvise(fd, start + (off_t)(first * page), (off_t)((i - first) * page), POSIX_FADV_DONTNEED);
    else i++;
  }
}

static ssize_t guarded_read(int fd, const struct stat *file, void *buffer, size_t length, off_t position) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  off_t start = position - position % (off_t)page;
  size_t pages = (length + (size_t)(position - start) + page - 1) / page;
  bool cached = S_ISREG(file->st_mode) && length > 0;
  unsigned char *resident = cached ? malloc(pages) : NULL;
  bool told = resident != NULL && residency_before(fd, file, start, pages, resident);
  if (cached && !told) __atomic_store_n(&left_pages, true, __ATOMIC_RELAXED);
  ssize_t count = pread(fd, buffer, length, position);
  int error = errno;
  if (told) drop(fd, start, pages, page, resident);
  free(resident);
  errno = error;
  return count;
}

ssize_t neutral_read(int fd, void *buffer, size_t length, off_t position) {
  struct stat file;
  if (fstat(fd, &file) != 0) return -1;
  /* No read-ahead of our own: what it brings in and we do not read would stay. Our reads are long enough without. */
  if (length < (size_t)file.st_size) posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
  if (__atomic_load_n(&uses_kernel, __ATOMIC_RELAXED) && !is_unsupported(file.st_dev)) {
    struct iovec vector = {buffer, length};
    /* musl before 1.2.5 (Alpine before 3.20) has no preadv2, and would not load the addon. */
    ssize_t count = syscall(SYS_preadv2, fd, &vector, 1, (long)position, (long)(position >> 32), RWF_DONTCACHE);
    /* ENOSYS and EPERM come from older kernels and from seccomp filters. */
    if (count >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EPERM)) return count;
    remember(file.st_dev);
  }
  return guarded_read(fd, &file, buffer, length, position);
}

bool neutral_left_pages(void) { return __atomic_load_n(&left_pages, __ATOMIC_RELAXED); }

void neutral_use_kernel(bool use) { __atomic_store_n(&uses_kernel, use, __ATOMIC_RELAXED); }
