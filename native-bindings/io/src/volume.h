#ifndef TABLESNAP_IO_VOLUME_H
#define TABLESNAP_IO_VOLUME_H

#include <stddef.h>

/* Two hex digits for each of the 16 bytes of a UUID, and the zero at the end. */
enum { VOLUME_ID_SIZE = 33 };

/*
 * Finds out what names the file system of a descriptor wherever its volume is attached: the UUID of XFS, and of ext2/3/4, btrfs and
 * ZFS the 64 bits that the kernel makes of their UUID or GUID (f_fsid). Needs no privileges, no /dev and no udev.
 * @param id takes hex digits; "" for every other file system, whose f_fsid is made of a device number, or of nothing that lasts
 * @returns 0, or -1 with errno
 */
int volume_id(int fd, char id[VOLUME_ID_SIZE]);

#endif
