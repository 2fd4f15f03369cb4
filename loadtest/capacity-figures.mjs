/**
 * What the capacity model computes with: measured figures, each with the place that it comes from. Nothing else holds a number that was measured; when a
 * figure is measured anew, it is changed here and in that place. All CPU figures are of one core of the machine that README.md describes.
 */
export const figures = {
  /** CPU share of an edge without readers by records/s read (230 bytes each), for topics of 12 and of 200 partitions. Between rows by straight lines. */
  ingest: {
    rows: [
      {
        partitions: 12,
        points: [
          [0, 0.015],
          [1_000, 0.162],
          [20_000, 0.162],
          [50_000, 0.168],
        ],
      },
      {
        partitions: 200,
        points: [
          [0, 0.025],
          [1_000, 0.208],
          [20_000, 0.298],
          [50_000, 0.298],
        ],
      },
    ],
    source: 'README.md, Ingest; where a higher rate cost less (fetching takes a share of what is idle), the dearer of the two',
  },
  /** CPU of an edge for one event delivered to one stream. It holds a share of what reading the record cost, so the sum is on the careful side. */
  deliverUs: { value: 9, unit: 'us', source: 'README.md, Fan-out: 10,000 streams, 100 channels, 50,000 deliveries/s, 8.97 us' },
  /** CPU of an edge for one stream that is opened or comes back. */
  connectUs: {
    anonymous: 120,
    token: 141,
    lease: 165,
    unit: 'us',
    source: 'README.md, Admission: ours, anonymous, with token, with token and a lease in Redis',
  },
  /** Resident memory of an edge for one open stream that is idle. */
  streamBytes: {
    anonymous: 2_898,
    token: 3_465,
    lease: 3_465,
    unit: 'bytes',
    source: 'README.md, Memory with admission: slope from 2,000 to 12,000 idle streams',
  },
  /** Resident memory of an edge with few streams and little in `recent`. */
  processBytes: { value: 160 * 1_048_576, unit: 'bytes', source: 'README.md, Memory: 2,000 streams of 5 s, 152 to 173 MiB' },
  /** Resident bytes for each byte that `recent` counts: (442 to 463 MB with 256 MiB of it - the process) / 256 MiB. */
  recentFactor: { value: 1.1, unit: '', source: 'README.md, Memory: `recent` full' },
  /** What `recent` counts for an event in a channel beside its body. */
  recentEventBytes: { value: 96, unit: 'bytes', source: 'src/recent/recent-store.ts, rowBytes' },
  /** Redis memory of a channel in the window with one event: key, stream, first node, expiry. By `stream-node-max-bytes`: 4096 as Redis comes, 1024. */
  windowChannelBytes: { default: 4_450, small: 1_370, unit: 'bytes', source: 'capacity.md, Redis memory of the window' },
  /** Redis memory of each further event of a channel beside its value. */
  windowEventBytes: { value: 100, unit: 'bytes', source: 'capacity.md, Redis memory of the window' },
  /** A sparse channel's stream lives so many times the age of the window. */
  windowLifetimes: { value: 2.25, unit: '', source: 'src/window/window-options.ts, streamTtlMs' },
};
