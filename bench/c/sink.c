/*
 * A null sink: an S3 server that takes in everything at the least cost and keeps of it only names, sizes and headers,
 * and whole what tablesnap reads again itself: its states and its fence. One thread for each connection.
 *   sink [--files FOLDER] [--tls CERTIFICATE KEY]
 * Listens on a free port of 127.0.0.1 and prints it. Then each line of standard input is a command, answered by one line
 * of JSON (`trace`: by lines, and an empty one); the end of standard input ends the program.
 *   stats       counters, objects and CPU (user and sys, us)
 *   reset       as stats, and sets the counters to 0
 *   keep 0|1    whether bodies of small objects are kept, so that GET can give them back
 *   forget      forgets all objects
 *   tracing 0|1 whether the time of each PUT's answer is noted
 *   trace       what was noted: "ns key"
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "s3.h"
#include "store.h"

static void *serve(void *argument) {
  struct conn *c = conn_open((int)(intptr_t)argument);
  if (c != NULL) {
    s3_serve(c);
    conn_close(c);
  }
  return NULL;
}

static void *accept_all(void *argument) {
  int listener = (int)(intptr_t)argument;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 512 * 1024);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  for (;;) {
    pthread_t thread;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0 && pthread_create(&thread, &attributes, serve, (void *)(intptr_t)fd) != 0) close(fd);
  }
  return NULL;
}

static int64_t micros(struct timeval t) { return (int64_t)t.tv_sec * 1000000 + t.tv_usec; }

static void print_stats(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  print_counters();
  printf(",\"objects\":%zu,\"user\":%" PRId64 ",\"sys\":%" PRId64 "}\n", store_count(), micros(usage.ru_utime),
         micros(usage.ru_stime));
}

static void command(char *line) {
  line[strcspn(line, "\n")] = '\0';
  int on = strchr(line, '1') != NULL;
  if (strcmp(line, "trace") == 0) {
    print_trace();
    printf("\n");
    return;
  }
  if (strncmp(line, "keep ", 5) == 0) s3_keeps = on;
  if (strncmp(line, "tracing ", 8) == 0) s3_traces = on;
  if (strcmp(line, "forget") == 0) store_clear();
  print_stats();
  if (strcmp(line, "reset") == 0) reset_counters();
}

int main(int argc, char **argv) {
  for (int at = 1; at < argc; at++) {
    if (strcmp(argv[at], "--files") == 0 && at + 1 < argc) {
      s3_files = argv[++at];
    } else if (strcmp(argv[at], "--tls") == 0 && at + 2 < argc) {
      if (conn_tls(argv[at + 1], argv[at + 2]) != 0) {
        fprintf(stderr, "sink: no TLS: compiled without OpenSSL, or bad certificate\n");
        return 1;
      }
      at += 2;
    } else {
      fprintf(stderr, "usage: sink [--files FOLDER] [--tls CERTIFICATE KEY]\n");
      return 2;
    }
  }
  signal(SIGPIPE, SIG_IGN);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof address;
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4096) != 0 ||
      getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
    perror("sink");
    return 1;
  }
  pthread_t thread;
  pthread_create(&thread, NULL, accept_all, (void *)(intptr_t)listener);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  char line[256];
  while (fgets(line, sizeof line, stdin) != NULL) {
    command(line);
    fflush(stdout);
  }
  return 0;
}
