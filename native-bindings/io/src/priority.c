#include "priority.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* include/uapi/linux/ioprio.h, which older header packages lack */
enum { WHO_PROCESS = 1, CLASS_IDLE = 3, CLASS_SHIFT = 13 };

/* @param thread its id: on Linux both calls change one thread, whatever the manual calls it */
static int lower_thread(id_t thread, int nice) {
  errno = 0;
  int now = getpriority(PRIO_PROCESS, thread);
  if (now == -1 && errno != 0) return errno;
  if (now < nice && setpriority(PRIO_PROCESS, thread, nice) != 0) return errno;
  return syscall(SYS_ioprio_set, WHO_PROCESS, thread, CLASS_IDLE << CLASS_SHIFT) == 0 ? 0 : errno;
}

int priority_lower(int nice) {
  /* First: what this thread makes meanwhile need not be found. */
  int error = lower_thread((id_t)syscall(SYS_gettid), nice);
  DIR *threads = opendir("/proc/self/task");
  if (threads == NULL) return error != 0 ? error : errno;
  for (struct dirent *entry; (entry = readdir(threads)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    int failed = lower_thread((id_t)strtoul(entry->d_name, NULL, 10), nice);
    if (failed != 0 && failed != ESRCH && error == 0) error = failed; /* ESRCH: it has just ended */
  }
  closedir(threads);
  return error;
}
