// Contender: a loop in C on inotify. Reads the limit file after each event and says when it had the
// number.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  char events[4096], text[64];
  struct timespec now;
  int watcher = inotify_init1(IN_CLOEXEC);
  if (argc < 2 || watcher < 0 || inotify_add_watch(watcher, argv[1], IN_MODIFY) < 0) return 1;
  printf("ready\n");
  fflush(stdout);
  while (read(watcher, events, sizeof events) > 0) {
    int file = open(argv[1], O_RDONLY | O_CLOEXEC);
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    text[length > 0 ? length : 0] = 0;
    if (strtoull(text, NULL, 10) == 0) return 2;
    clock_gettime(CLOCK_MONOTONIC, &now);
    printf("%lld%09ld\n", (long long)now.tv_sec, now.tv_nsec);
    fflush(stdout);
  }
  return 0;
}
