#ifndef TABLESNAP_IO_NEUTRAL_H
#define TABLESNAP_IO_NEUTRAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * As pread(2), but the page cache is afterwards as it was before: pages that were resident stay, those that were read from
 * disk go. Any thread may call it.
 * @returns bytes read, or -1 with errno
 */
ssize_t neutral_read(int fd, void *buffer, size_t length, off_t position);

/* Whether a read had to leave its pages in the cache, because the kernel does not tell which were resident before. */
bool neutral_left_pages(void);

/* Whether the kernel is asked to do it by itself (RWF_DONTCACHE); switched off in tests. */
void neutral_use_kernel(bool use);

#endif
