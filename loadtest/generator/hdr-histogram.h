/*
 * A histogram of latencies in the layout of HdrHistogram (hdrhistogram.org): 3 significant digits from 1 us to an hour, and the forms in which others
 * read it: the percentile text (.hgrm) and the log of intervals (.hlog), whose histograms are V2, compressed, base64.
 *
 * "Compressed" is a zlib stream of stored blocks: any zlib reads it, and none is needed to write it.
 */
#ifndef HDR_HISTOGRAM_H
#define HDR_HISTOGRAM_H
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HDR_DIGITS 3
#define HDR_HALF_MAGNITUDE 10 /* 2^11 = 2048 steps in the first bucket tell 3 digits apart */
#define HDR_HALF 1024
#define HDR_VALUE_MAX 3600000000ull /* an hour; what is longer counts as an hour */
#define HDR_BUCKETS 22              /* 2048 << 21 is the first beyond an hour */
#define HDR_COUNTS ((HDR_BUCKETS + 1) * HDR_HALF)
#define HDR_ENCODED_MAX (40 + HDR_COUNTS * 9)

struct hdr { uint64_t counts[HDR_COUNTS], total, max; };

static inline unsigned hdr_index(uint64_t value) {
  unsigned bucket = 64 - (unsigned)__builtin_clzll(value | (2 * HDR_HALF - 1)) - (HDR_HALF_MAGNITUDE + 1);
  return ((bucket + 1) << HDR_HALF_MAGNITUDE) + (unsigned)(value >> bucket) - HDR_HALF;
}

static inline void hdr_record(struct hdr *h, uint64_t value) {
  if (value > HDR_VALUE_MAX) value = HDR_VALUE_MAX;
  if (value > h->max) h->max = value;
  h->total++;
  h->counts[hdr_index(value)]++;
}

/* The least value that is counted at an index, and the greatest. */
static uint64_t hdr_lowest(unsigned index) {
  if (index < 2 * HDR_HALF) return index;
  return (uint64_t)(index % HDR_HALF + HDR_HALF) << (index / HDR_HALF - 1);
}
static uint64_t hdr_highest(unsigned index) { return hdr_lowest(index + 1) - 1; }

/* The least value of the step that holds the quantile. */
static uint64_t hdr_quantile(const struct hdr *h, double q) {
  uint64_t wanted = (uint64_t)(q * (double)h->total), seen = 0;
  for (unsigned i = 0; i < HDR_COUNTS; i++) if ((seen += h->counts[i]) > wanted) return hdr_lowest(i);
  return h->max;
}

/* What was counted since `before`, which becomes the present state. */
static void hdr_take_interval(const struct hdr *now, struct hdr *before, struct hdr *interval) {
  memset(interval, 0, sizeof *interval);
  for (unsigned i = 0; i < HDR_COUNTS; i++) {
    interval->counts[i] = now->counts[i] - before->counts[i];
    interval->total += interval->counts[i];
    if (interval->counts[i]) interval->max = hdr_highest(i) < now->max ? hdr_highest(i) : now->max;
  }
  *before = *now;
}

/* ZigZag LEB128, at most 9 bytes, the ninth whole. */
static unsigned char *hdr_put_signed(unsigned char *out, int64_t value) {
  uint64_t v = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
  for (int i = 0; i < 8; i++) {
    if (v < 0x80) { *out++ = (unsigned char)v; return out; }
    *out++ = (unsigned char)(v | 0x80);
    v >>= 7;
  }
  *out++ = (unsigned char)v;
  return out;
}

static unsigned char *hdr_put_32(unsigned char *out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) *out++ = (unsigned char)(value >> shift);
  return out;
}
static unsigned char *hdr_put_64(unsigned char *out, uint64_t value) { return hdr_put_32(hdr_put_32(out, (uint32_t)(value >> 32)), (uint32_t)value); }

/* V2: a head of 40 bytes, then counts; a run of zeros is one negative number. */
static size_t hdr_encode(const struct hdr *h, unsigned char *out) {
  unsigned last = 0;
  for (unsigned i = 0; i < HDR_COUNTS; i++) if (h->counts[i]) last = i;
  unsigned char *at = out + 40;
  for (unsigned i = 0; h->total && i <= last;) {
    unsigned zeros = 0;
    while (i + zeros <= last && !h->counts[i + zeros]) zeros++;
    if (zeros) { at = hdr_put_signed(at, -(int64_t)zeros); i += zeros; }
    else at = hdr_put_signed(at, (int64_t)h->counts[i++]);
  }
  unsigned char *head = hdr_put_32(out, 0x1c849303 | 0x10);
  head = hdr_put_32(head, (uint32_t)(at - out - 40));
  head = hdr_put_32(head, 0); /* normalizing offset */
  head = hdr_put_32(head, HDR_DIGITS);
  head = hdr_put_64(head, 1);
  head = hdr_put_64(head, HDR_VALUE_MAX);
  hdr_put_64(head, 0x3ff0000000000000ull); /* 1.0 */
  return (size_t)(at - out);
}

/* A zlib stream (RFC 1950) of stored blocks (RFC 1951 3.2.4). */
static size_t hdr_deflate(const unsigned char *in, size_t length, unsigned char *out) {
  unsigned char *at = out;
  *at++ = 0x78; *at++ = 0x01;
  uint32_t a = 1, b = 0;
  for (size_t i = 0; i < length; i++) { a = (a + in[i]) % 65521; b = (b + a) % 65521; }
  do {
    size_t part = length > 65535 ? 65535 : length;
    *at++ = length == part;
    *at++ = (unsigned char)part; *at++ = (unsigned char)(part >> 8);
    *at++ = (unsigned char)~part; *at++ = (unsigned char)(~part >> 8);
    memcpy(at, in, part);
    at += part; in += part; length -= part;
  } while (length);
  return (size_t)(hdr_put_32(at, b << 16 | a) - out);
}

static void hdr_print_base64(FILE *file, const unsigned char *in, size_t length) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < length; i += 3) {
    uint32_t three = (uint32_t)in[i] << 16 | (i + 1 < length ? (uint32_t)in[i + 1] << 8 : 0) | (i + 2 < length ? in[i + 2] : 0);
    fputc(digits[three >> 18 & 63], file);
    fputc(digits[three >> 12 & 63], file);
    fputc(i + 1 < length ? digits[three >> 6 & 63] : '=', file);
    fputc(i + 2 < length ? digits[three & 63] : '=', file);
  }
}

static void hdr_print_compressed(FILE *file, const struct hdr *h) {
  unsigned char *plain = malloc(HDR_ENCODED_MAX), *packed = malloc(HDR_ENCODED_MAX + HDR_ENCODED_MAX / 65535 * 5 + 64);
  size_t length = hdr_deflate(plain, hdr_encode(h, plain), packed + 8);
  hdr_put_32(hdr_put_32(packed, 0x1c849304 | 0x10), (uint32_t)length);
  hdr_print_base64(file, packed, length + 8);
  free(plain);
  free(packed);
}

static void hdr_print_log_head(FILE *file, double start_s) {
  fprintf(file, "#[Latencies of delivered events in microseconds; Interval_Max in milliseconds]\n#[Histogram log format version 1.3]\n");
  fprintf(file, "#[StartTime: %.3f (seconds since epoch)]\n\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n", start_s);
}

/* Times in seconds, from the start. */
static void hdr_print_log_line(FILE *file, const struct hdr *interval, double from_s, double length_s) {
  fprintf(file, "%.3f,%.3f,%.3f,", from_s, length_s, (double)interval->max / 1e3);
  hdr_print_compressed(file, interval);
  fputc('\n', file);
  fflush(file);
}

/* The percentile distribution, values in milliseconds, five steps to each halving of what is left (as all of HdrHistogram print it). */
static void hdr_print_percentiles(FILE *file, const struct hdr *h) {
  fprintf(file, "       Value     Percentile TotalCount 1/(1-Percentile)\n\n");
  double wanted = 0, sum = 0, squares = 0;
  uint64_t seen = 0;
  for (unsigned i = 0; i < HDR_COUNTS && h->total; i++) {
    if (!h->counts[i]) continue;
    seen += h->counts[i];
    while (100.0 * (double)seen / (double)h->total >= wanted && seen < h->total) {
      fprintf(file, "%12.3f %2.12f %10lu %14.2f\n", (double)hdr_highest(i) / 1e3, wanted / 100, seen, 1 / (1 - wanted / 100));
      wanted += 100 / (5 * pow(2, floor(log2(100 / (100 - wanted))) + 1));
    }
    double middle = (double)(hdr_lowest(i) + hdr_highest(i) + 1) / 2e3;
    sum += middle * (double)h->counts[i];
    squares += middle * middle * (double)h->counts[i];
  }
  double mean = h->total ? sum / (double)h->total : 0, variance = h->total ? squares / (double)h->total - mean * mean : 0;
  fprintf(file, "%12.3f %2.12f %10lu\n", (double)h->max / 1e3, 1.0, h->total);
  fprintf(file, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", mean, sqrt(variance > 0 ? variance : 0));
  fprintf(file, "#[Max     = %12.3f, Total count    = %12lu]\n", (double)h->max / 1e3, h->total);
  fprintf(file, "#[Buckets = %12d, SubBuckets     = %12d]\n", HDR_BUCKETS, 2 * HDR_HALF);
}
#endif
