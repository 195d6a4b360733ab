#ifndef TABLESNAP_IO_RESIDENCY_H
#define TABLESNAP_IO_RESIDENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * Says of each page of a range whether it was in the page cache before this process began to read around it, some
 * seconds ago at most. What is there now is no answer: the kernel reads ahead, also from where others have read, and so
 * brings in pages of our next read before we come to it.
 * @param start at a page @param resident takes one byte a page: 0 or 1
 * @returns whether the kernel tells
 */
bool residency_before(int fd, const struct stat *file, off_t start, size_t pages, unsigned char *resident);

#endif
