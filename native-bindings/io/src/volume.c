#include "volume.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

/* Magic numbers of linux/magic.h and fs/xfs/libxfs/xfs_format.h, and that of OpenZFS. */
enum { EXT = 0xEF53, XFS = 0x58465342, BTRFS = 0x9123683E, ZFS = 0x2FC12FC1 };

/* struct xfs_fsop_geom_v1 of fs/xfs/libxfs/xfs_fs.h: the same since Linux 2.6. */
struct xfs_geometry {
  uint32_t before[8];
  uint64_t blocks[4];
  unsigned char uuid[16];
  uint32_t after[7];
};

#define XFS_GEOMETRY _IOR('X', 100, struct xfs_geometry)

static int xfs_id(int fd, char *id) {
  struct xfs_geometry geometry;
  memset(&geometry, 0, sizeof geometry);
  if (ioctl(fd, XFS_GEOMETRY, &geometry) != 0) return -1;
  for (size_t i = 0; i < sizeof geometry.uuid; i++) sprintf(id + 2 * i, "%02x", geometry.uuid[i]);
  return 0;
}

int volume_id(int fd, char id[VOLUME_ID_SIZE]) {
  struct statfs status;
  uint32_t parts[2];
  id[0] = 0;
  if (fstatfs(fd, &status) != 0) return -1;
  switch ((uint32_t)status.f_type) {
    case XFS:
      return xfs_id(fd, id);
    case EXT:
    case BTRFS:
    case ZFS:
      memcpy(parts, &status.f_fsid, sizeof parts);
      if (parts[0] != 0 || parts[1] != 0) snprintf(id, VOLUME_ID_SIZE, "%08x%08x", parts[0], parts[1]);
  }
  return 0;
}
