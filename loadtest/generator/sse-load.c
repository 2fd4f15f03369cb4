/*
 * Load client for Server-Sent Events: one thread, epoll, many streams; about 1 KB of its own for each.
 *
 * Counts events, reads when each was made out of `"t":<microseconds since the epoch>` in its data, checks that `"n":<number>` grows by one
 * (a number of its own for each channel), remembers the last `id:`, and can come back with `Last-Event-ID`.
 *
 *   cc -O2 -o sse-load sse-load.c -lm
 *   sse-load -c 10000 -d 20 -m 100 -u '/v1/events?channel=c%d' 127.0.0.1:8080
 *
 *   -c N   streams (100)                      -u PATH request path; %d is the stream's number modulo -m
 *   -m N   modulus of %d (-c)                 -r N    streams opened a second (5000)
 *   -w S   seconds to settle, not counted (2) -d S    seconds counted (10)
 *   -p PID server whose CPU time is read at the begin and the end of the counted seconds
 *   -b     busy: never sleep. A sleeping reader on loopback makes the server's send() pay for waking it, which no network card does
 *   -t F   bearer tokens, one a line: stream i sends that of line i modulo their number
 *   -H F   writes the latencies there as HdrHistogram's percentile text (.hgrm, milliseconds)
 *   -L F   writes the latencies of each -i S seconds (1) there as a HdrHistogram log (.hlog, microseconds)
 *
 * What becomes of a stream that ends, by default nothing; one of:
 *   -e     it comes back as a client does: after the time that `retry:` told (3 s), longer and longer while it is refused (30 s), with its id
 *   -D S   like -e, and each stream is cut by itself every S seconds (50 to 150 %), but not in the last 6
 *   -x S   churn: each stream is closed after S seconds and opened anew, without its id
 *   -2 A:P second server: after the first cut every stream comes back there; ends when all are exact again, or after -d seconds
 *   -j MS  with -2: first wait and spread of coming back, `a-b`: evenly between a and b ms (0-0)
 *   -R     reconnect: when all are open, every stream is closed and comes back at once, at -r a second, with its id. CPU time is read before the
 *          first close and after the last answer; ends then
 *
 * Streams to a loopback address beyond 20,000 come from 127.0.0.2, 127.0.0.3, …: an address has 28,000 ports for outgoing connections.
 * Prints `{"open":N}` when all streams are open, and one JSON object at the end. Latencies are wall clock, microseconds; what a stream that came back is sent of the
 * time before counts as an event and not as a latency.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "hdr-histogram.h"

#define LINE_MAX_BYTES 480
#define READ_BYTES (256 * 1024)
#ifndef STREAMS_PER_ADDRESS
#define STREAMS_PER_ADDRESS 20000
#endif
#define OTHER_FILES 100
#define RETRY_DEFAULT_MS 3000
#define RETRY_MS_MAX 30000
#define NO_DROPS_US 6000000 /* none near the end: it would not be back by then */
#define TOKENS_MAX 100000

enum state { IDLE, CONNECTING, HEAD, STREAMING };
struct stream {
  int fd;
  enum state state;
  uint32_t index;
  uint64_t due_us;     /* when to connect, monotonic */
  uint64_t opened_us;  /* when the answer came, wall clock */
  int64_t last_n;      /* -1: none yet */
  char id[136];
  char line[LINE_MAX_BYTES];
  uint32_t line_length, retry_ms;
  uint64_t drop_us;    /* when to cut it, monotonic; 0: not at all */
  uint8_t is_back, is_exact, is_gap_told, is_answered, failed;
};

static struct stream *streams;
static int stream_count = 100, modulus, rate = 5000, warm_s = 2, count_s = 10, is_busy, churn_s, server_pid, jitter_from, jitter_to;
static const char *path = "/";
static struct sockaddr_in first, second;
static int has_second, is_counting, is_cut, is_reconnecting, is_returning, drop_s, interval_s = 1, epoll_fd;
static FILE *percentile_file, *log_file;
static struct hdr latency, latency_before, latency_interval;
static char *tokens[TOKENS_MAX], host_header[256];
static uint32_t token_count;
static uint64_t events, bytes, refused, ended, lost, told, repeated, gaps, open_now, opened_ever, resumes, dropped;
static uint64_t drop_until = UINT64_MAX, exact_count, cut_us, last_exact_us, last_open_us, overflow;

static uint64_t clock_us(clockid_t id) { struct timespec t; clock_gettime(id, &t); return (uint64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000; }

/* User and system seconds, resident bytes; proc(5). */
static void read_process(double *cpu_s, uint64_t *resident) {
  char name[64], text[1024];
  snprintf(name, sizeof name, "/proc/%d/stat", server_pid);
  FILE *file = server_pid ? fopen(name, "r") : NULL;
  if (!file) return;
  size_t length = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[length] = 0;
  unsigned long user, system; long pages;
  char *after = strrchr(text, ')');
  if (after && sscanf(after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %*u %*u %ld", &user, &system, &pages) == 3) {
    *cpu_s = (double)(user + system) / sysconf(_SC_CLK_TCK);
    *resident = (uint64_t)pages * sysconf(_SC_PAGESIZE);
  }
}

static void expand(char *out, size_t size, uint32_t number) {
  size_t length = 0;
  for (const char *in = path; *in && length + 12 < size; in++) {
    if (in[0] == '%' && in[1] == 'd') { length += snprintf(out + length, size - length, "%u", number); in++; }
    else out[length++] = *in;
  }
  out[length] = 0;
}

/* An address of our own for each 20,000 streams on loopback. */
static void bind_source(struct stream *s, const struct sockaddr_in *to) {
  if (s->index < STREAMS_PER_ADDRESS || ntohl(to->sin_addr.s_addr) >> 24 != 127) return;
  struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001u + s->index / STREAMS_PER_ADDRESS) };
  int yes = 1;
  setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
  bind(s->fd, (struct sockaddr *)&from, sizeof from);
}

static void start_connecting(struct stream *s) {
  const struct sockaddr_in *to = has_second && s->is_back ? &second : &first;
  s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (s->fd < 0) { refused++; s->state = IDLE; s->due_us = clock_us(CLOCK_MONOTONIC) + 100000; return; }
  s->state = CONNECTING;
  s->line_length = 0;
  s->is_answered = 0;
  bind_source(s, to);
  connect(s->fd, (const struct sockaddr *)to, sizeof *to);
  struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = s };
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, s->fd, &event);
}

static void disconnect(struct stream *s) {
  if (s->state == STREAMING) open_now--;
  close(s->fd);
  s->state = IDLE;
}

/* The stream ended, or could not be opened: it comes back where and when it is told to. */
static void come_back(struct stream *s) {
  uint64_t now = clock_us(CLOCK_MONOTONIC);
  if (s->state == STREAMING) ended++; else refused++;
  int was_answered = s->is_answered;
  disconnect(s);
  if (is_returning) {
    s->failed = was_answered ? 0 : s->failed < 5 ? s->failed + 1 : 5;
    uint64_t wait = (uint64_t)s->retry_ms << s->failed;
    s->due_us = now + (wait < RETRY_MS_MAX || !s->failed ? wait : RETRY_MS_MAX) * 1000;
    s->is_back = s->id[0] != 0;
    return;
  }
  if (has_second) {
    if (!is_cut) { is_cut = 1; cut_us = now; }
    uint64_t spread = jitter_to > jitter_from ? (uint64_t)rand() % (uint64_t)((jitter_to - jitter_from) * 1000) : 0;
    s->due_us = now + (s->is_back ? 500000 : (uint64_t)jitter_from * 1000 + spread);
    s->is_back = 1;
    s->is_exact = 0;
  } else s->due_us = churn_s ? now + 100000 : UINT64_MAX;
}

static void ask(struct stream *s) {
  char target[2048], request[4096];
  expand(target, sizeof target, s->index % (uint32_t)modulus);
  int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\nConnection: close\r\n", target, host_header);
  if (s->is_back && s->id[0]) length += snprintf(request + length, sizeof request - length, "Last-Event-ID: %s\r\n", s->id);
  if (token_count) length += snprintf(request + length, sizeof request - length, "Authorization: Bearer %s\r\n", tokens[s->index % token_count]);
  length += snprintf(request + length, sizeof request - length, "\r\n");
  s->state = HEAD;
  if (write(s->fd, request, length) != length) come_back(s);
}

static void take_data(struct stream *s, const char *line) {
  const char *made = strstr(line, "\"t\":"), *number = strstr(line, "\"n\":");
  if (!made) return;
  uint64_t made_us = strtoull(made + 4, NULL, 10), now = clock_us(CLOCK_REALTIME);
  if (number) {
    int64_t n = strtoll(number + 4, NULL, 10);
    if (s->last_n >= 0 && n <= s->last_n) repeated++;
    else if (s->last_n >= 0 && n > s->last_n + 1) {
      lost += (uint64_t)(n - s->last_n - 1);
      if (s->is_gap_told) told += (uint64_t)(n - s->last_n - 1);
    }
    s->is_gap_told = 0;
    if (n > s->last_n) s->last_n = n;
  }
  if (is_counting) { events++; if (now >= made_us && (!s->is_back || made_us >= s->opened_us)) hdr_record(&latency, now - made_us); }
  if (s->is_back && !s->is_exact && made_us >= s->opened_us) { s->is_exact = 1; exact_count++; last_exact_us = clock_us(CLOCK_MONOTONIC); }
}

/* The first id of a connection: the stream, or its resume, is answered. A soft refusal has none. */
static void take_answer(struct stream *s) {
  if (s->is_answered) return;
  s->is_answered = 1;
  if (s->is_back) resumes++;
  if (drop_s) s->drop_us = clock_us(CLOCK_MONOTONIC) + (uint64_t)drop_s * 500000 + (uint64_t)rand() % ((uint64_t)drop_s * 1000000);
}

static void take_line(struct stream *s, char *line) {
  if (!strncmp(line, "data:", 5)) take_data(s, line + 5);
  else if (!strncmp(line, "id:", 3)) { const char *id = line + 3; while (*id == ' ') id++; snprintf(s->id, sizeof s->id, "%s", id); take_answer(s); }
  else if (!strncmp(line, "event: selvage.gap", 18)) { gaps++; s->is_gap_told = 1; }
  else if (!strncmp(line, "retry:", 6)) s->retry_ms = (uint32_t)strtoul(line + 6, NULL, 10);
}

static void take_bytes(struct stream *s, char *at, size_t length) {
  bytes += length;
  for (char *end = at + length; at < end;) {
    char *feed = memchr(at, '\n', end - at), *stop = feed ? feed : end;
    size_t part = stop - at;
    if (feed && s->line_length == 0) { *feed = 0; take_line(s, at); }
    else {
      if (s->line_length + part >= LINE_MAX_BYTES) { part = LINE_MAX_BYTES - 1 - s->line_length; overflow++; }
      memcpy(s->line + s->line_length, at, part);
      s->line_length += part;
      if (feed) { s->line[s->line_length] = 0; take_line(s, s->line); s->line_length = 0; }
    }
    at = stop + 1;
  }
}

/* Edge-triggered: an end that has come already is not told again, so it is read to it. */
static void on_readable(struct stream *s, char *buffer, int has_end) {
  for (;;) {
    ssize_t length = read(s->fd, buffer, READ_BYTES);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (length <= 0) { come_back(s); return; }
    if (s->state == HEAD) {
      if (length < 12 || memcmp(buffer, "HTTP/1.1 200", 12)) { come_back(s); return; }
      s->state = STREAMING;
      s->opened_us = clock_us(CLOCK_REALTIME);
      last_open_us = clock_us(CLOCK_MONOTONIC);
      open_now++;
      opened_ever++;
      if (churn_s) s->due_us = clock_us(CLOCK_MONOTONIC) + (uint64_t)churn_s * 500000 + (uint64_t)rand() % ((uint64_t)churn_s * 1000000);
    }
    take_bytes(s, buffer, (size_t)length);
    if (length < READ_BYTES && !has_end) return;
  }
}

static struct sockaddr_in address(const char *text) {
  char host[256];
  snprintf(host_header, sizeof host_header, "%s", text);
  snprintf(host, sizeof host, "%s", text);
  char *colon = strchr(host, ':');
  if (!colon) { fprintf(stderr, "address:port wanted\n"); exit(2); }
  *colon = 0;
  struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *found;
  if (getaddrinfo(host, colon + 1, &hints, &found)) { fprintf(stderr, "%s: no such host\n", text); exit(2); }
  struct sockaddr_in to = *(struct sockaddr_in *)found->ai_addr;
  freeaddrinfo(found);
  return to;
}

static void read_tokens(const char *name) {
  FILE *file = fopen(name, "r");
  char line[2048];
  if (!file) { perror(name); exit(2); }
  while (token_count < TOKENS_MAX && fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = 0;
    tokens[token_count++] = strdup(line);
  }
  fclose(file);
}

static FILE *open_file(const char *name) {
  FILE *file = fopen(name, "w");
  if (!file) { perror(name); exit(2); }
  return file;
}

static void read_arguments(int argc, char **argv) {
  for (int option; (option = getopt(argc, argv, "c:r:w:d:u:m:p:bx:2:j:t:ReD:H:L:i:")) != -1;) switch (option) {
    case 'c': stream_count = atoi(optarg); break;
    case 'r': rate = atoi(optarg); break;
    case 'w': warm_s = atoi(optarg); break;
    case 'd': count_s = atoi(optarg); break;
    case 'u': path = optarg; break;
    case 'm': modulus = atoi(optarg); break;
    case 'p': server_pid = atoi(optarg); break;
    case 'b': is_busy = 1; break;
    case 'x': churn_s = atoi(optarg); break;
    case '2': second = address(optarg); has_second = 1; break;
    case 't': read_tokens(optarg); break;
    case 'R': is_reconnecting = 1; break;
    case 'e': is_returning = 1; break;
    case 'D': drop_s = atoi(optarg); is_returning = 1; break;
    case 'H': percentile_file = open_file(optarg); break;
    case 'L': log_file = open_file(optarg); break;
    case 'i': interval_s = atoi(optarg); break;
    case 'j': sscanf(optarg, "%d-%d", &jitter_from, &jitter_to); break;
    default: exit(2);
  }
  if (optind >= argc) { fprintf(stderr, "usage: sse-load [options] 127.0.0.1:port\n"); exit(2); }
  first = address(argv[optind]);
  if (!modulus) modulus = stream_count;
}

/* Connects, or in churn closes, every stream whose time has come. */
static void turn_streams(uint64_t now) {
  for (int i = 0; i < stream_count; i++) {
    struct stream *s = &streams[i];
    if (s->state == STREAMING && s->drop_us && s->drop_us <= now && now < drop_until) { s->drop_us = 0; dropped++; come_back(s); continue; }
    if (s->due_us > now) continue;
    if (s->state == STREAMING && churn_s) { disconnect(s); s->due_us = now + 10000; }
    else if (s->state == IDLE) { s->due_us = UINT64_MAX; start_connecting(s); }
  }
}

/* Closes every stream, and lets each come back in its turn. */
static void reconnect_all(uint64_t now) {
  for (int i = 0; i < stream_count; i++) {
    struct stream *s = &streams[i];
    if (s->state != IDLE) disconnect(s);
    s->is_back = 1;
    s->due_us = now + (uint64_t)i * 1000000 / (uint64_t)rate;
  }
}

static void log_interval(uint64_t counted_from, uint64_t from, uint64_t to) {
  hdr_take_interval(&latency, &latency_before, &latency_interval);
  hdr_print_log_line(log_file, &latency_interval, (double)(from - counted_from) / 1e6, (double)(to - from) / 1e6);
}

int main(int argc, char **argv) {
  read_arguments(argc, argv);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < (rlim_t)stream_count + OTHER_FILES) {
    fprintf(stderr, "%d streams need %d open files, and the limit is %lu (ulimit -Hn)\n", stream_count, stream_count + OTHER_FILES, (unsigned long)files.rlim_cur);
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  epoll_fd = epoll_create1(0);
  streams = calloc((size_t)stream_count, sizeof *streams);
  uint64_t begin = clock_us(CLOCK_MONOTONIC), all_open = 0, counted_from = 0, next_turn = 0, end = 0;
  for (int i = 0; i < stream_count; i++) streams[i] = (struct stream){ .fd = -1, .index = (uint32_t)i, .last_n = -1, .retry_ms = RETRY_DEFAULT_MS, .due_us = begin + (uint64_t)i * 1000000 / (uint64_t)rate };
  double cpu_before = 0, cpu_after = 0;
  uint64_t resident_before = 0, resident_after = 0, logged_until = 0;
  static char buffer[READ_BYTES + 1];
  static struct epoll_event ready[1024];
  for (;;) {
    uint64_t now = clock_us(CLOCK_MONOTONIC);
    if (now >= next_turn) { turn_streams(now); next_turn = now + 5000; }
    if (!all_open && opened_ever >= (uint64_t)stream_count) { all_open = now; printf("{\"open\":%lu}\n", open_now); fflush(stdout); }
    if (!all_open && now > begin + (uint64_t)stream_count * 1000000 / (uint64_t)rate + 90000000) { fprintf(stderr, "%lu of %d streams opened\n", opened_ever, stream_count); return 1; }
    if (all_open && !counted_from && now >= all_open + (uint64_t)warm_s * 1000000) {
      counted_from = now;
      is_counting = 1;
      logged_until = now;
      drop_until = now + (uint64_t)count_s * 1000000 - NO_DROPS_US;
      if (log_file) hdr_print_log_head(log_file, (double)clock_us(CLOCK_REALTIME) / 1e6);
      read_process(&cpu_before, &resident_before);
      if (is_reconnecting) reconnect_all(now);
    }
    if (counted_from && is_reconnecting) {
      if (opened_ever >= 2 * (uint64_t)stream_count && now > last_open_us + 500000) { end = now; break; }
      if (now > counted_from + (uint64_t)stream_count * 1000000 / (uint64_t)rate + 30000000) { end = now; break; }
    } else
    if (counted_from && now >= counted_from + (uint64_t)count_s * 1000000) { end = now; break; }
    if (has_second && exact_count >= (uint64_t)stream_count && now > last_exact_us + 1000000) { end = now; break; }
    if (log_file && counted_from && now >= logged_until + (uint64_t)interval_s * 1000000) { log_interval(counted_from, logged_until, now); logged_until = now; }
    int count = epoll_wait(epoll_fd, ready, 1024, is_busy ? 0 : 5);
    if (count == 0 && is_busy) sched_yield(); /* Kafka and the producer share this core, and so does the kernel's own network work */
    for (int i = 0; i < count; i++) {
      struct stream *s = ready[i].data.ptr;
      if (s->state == IDLE) continue;
      if (s->state == CONNECTING && ready[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) { come_back(s); continue; }
        ask(s);
      }
      if (s->state >= HEAD && ready[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) on_readable(s, buffer, (ready[i].events & EPOLLRDHUP) != 0);
    }
  }
  read_process(&cpu_after, &resident_after);
  if (log_file && end > logged_until) log_interval(counted_from, logged_until, end);
  if (percentile_file) hdr_print_percentiles(percentile_file, &latency);
  double seconds = (double)(end - counted_from) / 1e6;
  printf("{\"streams\":%d,\"open\":%lu,\"opened\":%lu,\"refused\":%lu,\"ended\":%lu,\"seconds\":%.3f,\"events\":%lu,\"eventsPerSecond\":%.1f,\"bytes\":%lu,"
         "\"lost\":%lu,\"repeated\":%lu,\"gaps\":%lu,\"overflow\":%lu,\"p50\":%lu,\"p90\":%lu,\"p99\":%lu,\"p999\":%lu,\"max\":%lu,\"cpuSeconds\":%.2f,\"cpuUsPerEvent\":%.3f,"
         "\"residentBefore\":%lu,\"residentAfter\":%lu,\"exact\":%lu,\"lastExactMs\":%.1f,\"lastOpenMs\":%.1f,\"resumes\":%lu,\"dropped\":%lu,\"told\":%lu}\n",
         stream_count, open_now, opened_ever, refused, ended, seconds, events, (double)events / seconds, bytes, lost, repeated, gaps, overflow, hdr_quantile(&latency, .5), hdr_quantile(&latency, .9),
         hdr_quantile(&latency, .99), hdr_quantile(&latency, .999), latency.max, cpu_after - cpu_before, events ? (cpu_after - cpu_before) * 1e6 / (double)events : 0, resident_before, resident_after, exact_count,
         is_cut ? (double)((int64_t)last_exact_us - (int64_t)cut_us) / 1e3 : 0, is_cut ? (double)((int64_t)last_open_us - (int64_t)cut_us) / 1e3 : 0, resumes, dropped, told);
  return 0;
}
