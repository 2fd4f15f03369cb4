import { metricCatalogue } from '../../telemetry/metric-catalogue.js';
import { reasonOf } from '../command-context.js';

/** What a node's admin port tells of its tail. */
export interface NodeLag {
  readonly url: string;
  /** Null: it answered. */
  readonly error: string | null;
  readonly isReady: boolean | null;
  readonly tail: readonly { readonly topic: string; readonly partition: number; readonly lag: number }[];
  readonly fetchAgeSeconds: number | null;
}

const answerMsMax = 5_000;

/** Reads `/metrics` of an admin port. Never rejects. */
export async function askNode(url: string): Promise<NodeLag> {
  const none = { url, isReady: null, tail: [], fetchAgeSeconds: null };
  try {
    const response = await fetch(`${url.replace(/\/+$/, '')}/metrics`, { signal: AbortSignal.timeout(answerMsMax) });
    const text = await response.text();
    if (!response.ok) return { ...none, error: `/metrics answers ${response.status}: is this an admin port?` };
    const ready = samplesOf(text, metricCatalogue.ready.name)[0];
    if (ready === undefined) return { ...none, error: '/metrics is not that of a node: is this an admin port?' };
    const tail = samplesOf(text, metricCatalogue.partitionLag.name).map(({ labels, value }) => ({
      topic: labels['topic'] ?? '',
      partition: Number(labels['partition']),
      lag: value,
    }));
    const fetchAge = samplesOf(text, metricCatalogue.fetchAge.name)[0]?.value ?? null;
    return { url, error: null, isReady: ready.value === 1, tail, fetchAgeSeconds: fetchAge };
  } catch (error) {
    return { ...none, error: reasonOf(error) };
  }
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Samples of one metric in the text format of Prometheus. */
function samplesOf(text: string, name: string): readonly Sample[] {
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith(name)) return [];
    const match = /^\w+(?:\{(.*)\})? (\S+)/.exec(line);
    if (match === null || !/^[{ ]/.test(line.slice(name.length))) return [];
    const labels = Object.fromEntries(
      [...(match[1] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', value = '']) => [label, value]),
    );
    return [{ labels, value: Number(match[2]) }];
  });
}
