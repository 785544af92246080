// Contender: a netlink loop in C. Takes each memory event apart, reads MemTotal, and says when it had
// heard and read. Told `open` and `close` on its standard input, one line each.
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long long)now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int is_memory(const char *message, ssize_t length) {
  for (const char *at = message; at < message + length; at += strlen(at) + 1)
    if (strcmp(at, "SUBSYSTEM=memory") == 0) return 1;
  return 0;
}

static int listen_kernel(void) {
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
  int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
  return bind(fd, (struct sockaddr *)&address, sizeof address) == 0 ? fd : -1;
}

int main(void) {
  static char message[8193], text[8192], line[64];
  struct pollfd waits[2] = {{.fd = 0, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
  while (poll(waits, 2, -1) > 0) {
    ssize_t length;
    while (waits[1].fd >= 0 && (length = recv(waits[1].fd, message, 8192, 0)) > 0) {
      message[length] = 0;
      if (!is_memory(message, length)) continue;
      long long heard = now_ns();
      int file = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
      ssize_t read_bytes = read(file, text, sizeof text - 1);
      close(file);
      text[read_bytes > 0 ? read_bytes : 0] = 0;
      char *total = strstr(text, "MemTotal:");
      if (total == NULL || strtoull(total + 9, NULL, 10) == 0) return 2;
      printf("%lld %lld\n", now_ns(), heard);
      fflush(stdout);
    }
    if (waits[0].revents == 0) continue;
    ssize_t said = read(0, line, sizeof line - 1);
    if (said <= 0) return 0;
    line[said] = 0;
    if (waits[1].fd >= 0) close(waits[1].fd);
    waits[1].fd = line[0] == 'o' ? listen_kernel() : -1;
    printf("%s", line);
    fflush(stdout);
  }
  return 0;
}
