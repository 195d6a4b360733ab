#include "residency.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * A region is looked at as a whole when it is first read from, and so is the next one, which is farther than the kernel
 * reads ahead. After a while what others have read meanwhile counts more than what we may have brought in.
 */
enum { REGION = 64 * 1024 * 1024, SMALLEST_PAGE = 4096, MOST_REGIONS = 32, SECONDS = 10 };

struct region {
  dev_t device;
  ino_t inode;
  uint64_t index; /* of the region in the file */
  time_t taken, used;
  unsigned char pages[REGION / SMALLEST_PAGE];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct region regions[MOST_REGIONS];

static bool has_capability(int capability) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
  if (syscall(SYS_capget, &header, data) != 0) return false;
  return data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability);
}

/* As the kernel asks before mincore tells the truth (can_do_mincore in mm/mincore.c); else all pages seem resident. */
static bool is_told(int fd, const struct stat *file) {
  char path[40];
  if (file->st_uid == geteuid() || has_capability(CAP_FOWNER)) return true;
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

static bool take(int fd, struct region *region) {
  void *range = mmap(NULL, REGION, PROT_READ, MAP_SHARED, fd, (off_t)region->index * REGION);
  if (range == MAP_FAILED) return false;
  bool told = mincore(range, REGION, region->pages) == 0;
  munmap(range, REGION);
  return told;
}

/* The region as it was; the lock is held. NULL where the kernel does not tell. */
static const struct region *find(int fd, const struct stat *file, uint64_t index) {
  struct timespec now;
  struct region *oldest = regions;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  for (struct region *region = regions; region < regions + MOST_REGIONS; region++) {
    bool same = region->taken != 0 && region->device == file->st_dev && region->inode == file->st_ino &&
                region->index == index;
    if (same && now.tv_sec - region->taken < SECONDS) {
      region->used = now.tv_sec;
      return region;
    }
    if (same) region->used = 0;
    if (region->used < oldest->used) oldest = region;
  }
  *oldest = (struct region){.device = file->st_dev, .inode = file->st_ino, .index = index};
  if (!is_told(fd, file) || !take(fd, oldest)) return NULL;
  oldest->taken = oldest->used = now.tv_sec + 1; /* 0 means none */
  return oldest;
}

bool residency_before(int fd, const struct stat *file, off_t start, size_t pages, unsigned char *resident) {
  off_t page = sysconf(_SC_PAGESIZE);
  off_t end = start + (off_t)pages * page;
  bool told = true;
  pthread_mutex_lock(&lock);
  for (uint64_t index = (uint64_t)start / REGION; told && (off_t)index * REGION < end; index++) {
    const struct region *region = find(fd, file, index);
    told = region != NULL;
    for (off_t at = (off_t)index * REGION; told && at < (off_t)(index + 1) * REGION; at += page) {
      if (at >= start && at < end) resident[(at - start) / page] = region->pages[(at % REGION) / page] & 1;
    }
  }
  if (told) find(fd, file, (uint64_t)end / REGION + 1);
  pthread_mutex_unlock(&lock);
  return told;
}
