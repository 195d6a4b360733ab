#ifndef TABLESNAP_IO_OUTPUT_H
#define TABLESNAP_IO_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Writes as much as the descriptor takes at once, and never waits for a reader. The flags of the descriptor stay as they are: it may
 * be shared with other processes, which do not expect O_NONBLOCK.
 * @returns how many bytes it took; -1 with errno, EAGAIN where it takes none now
 */
ssize_t output_write(int fd, const uint8_t *data, size_t length);

/*
 * Connects to a local (AF_UNIX) socket; writes to it never wait.
 * @param path a file, or an abstract name of unix(7), written with an @ in place of its NUL
 * @param datagram whether it takes one message a write, else a stream of bytes
 * @returns the descriptor; -1 with errno, EPROTOTYPE where the socket is of the other kind
 */
int output_connect(const char *path, bool datagram);

#endif
