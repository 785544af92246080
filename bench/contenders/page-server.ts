// A small server as its author writes it: `page-server.ts hotadd` registers its cache for the cgroup that it
// runs in, `page-server.ts lru-cache BYTES` sizes its cache once. A page is made of many values, each used
// where it lies; some are sent from there. Words on its standard input, and a line of JSON for each.
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { KiB, MiB, openPartition } from 'hotadd';
import { ByteCache } from 'hotadd/buffers';
import { LRUCache } from 'lru-cache';
import { Lag } from '../lag.ts';
import { isValueOf, render } from '../page-values.ts';

interface Value {
  readonly bytes: Uint8Array;
  release(): void;
}

interface Cache {
  get(key: string): Value | null;
  set(key: string, value: Buffer): void;
  readonly heldBytes: number;
  readonly sizeBytes: number;
  resize(bytes: number): Promise<object>;
}

/** For what is beside the cache: the heap of V8, requests, buffers of sockets. */
const RESERVE_BYTES = 128 * MiB;
/** Reads one byte of each cache line of a value. */
const STRIDE = 64;

async function follows(): Promise<Cache> {
  const cache = new ByteCache('pages', { bytes: 64 * MiB });
  const partition = await openPartition({ apply: true, reserve: RESERVE_BYTES });
  partition.register(cache, { existing: true });
  return {
    get: (key) => cache.get(key),
    set: (key, value) => void cache.set(key, value),
    get heldBytes() {
      return cache.heldBytes;
    },
    get sizeBytes() {
      return cache.sizeBytes;
    },
    resize: (bytes) => partition.resize(bytes),
  };
}

function sizedOnce(maxSize: number): Cache {
  const cache = new LRUCache<string, Buffer>({ maxSize, sizeCalculation: ({ length }) => length });
  return {
    get: (key) => {
      const bytes = cache.get(key);
      return bytes === undefined ? null : { bytes, release: () => undefined };
    },
    set: (key, value) => void cache.set(key, Buffer.from(value)),
    get heldBytes() {
      return cache.calculatedSize;
    },
    sizeBytes: maxSize,
    resize: async () => ({ result: 'refused', reason: 'it is sized once' }),
  };
}

const [kind, maxSize] = process.argv.slice(2);
const cache = kind === 'hotadd' ? await follows() : sizedOnce(Number(maxSize));
const counts = { hits: 0, misses: 0, wrong: 0, sending: 0, mostSending: 0, sum: 0 };

function use(key: number, bytes: Uint8Array): void {
  if (!isValueOf(key, bytes)) counts.wrong += 1;
  for (let at = 0; at < bytes.length; at += STRIDE) counts.sum += bytes[at] as number;
}

/** The value stays where it is until the socket has taken it, or is closed. */
function send(response: ServerResponse, value: Value): void {
  counts.sending += 1;
  counts.mostSending = Math.max(counts.mostSending, counts.sending);
  response.write(value.bytes, () => {
    counts.sending -= 1;
    value.release();
  });
}

/** `sent` of the values that were found are sent, and all are used. */
function answer(response: ServerResponse, keys: readonly number[], sent: number): void {
  let left = sent;
  response.cork();
  for (const key of keys) {
    const name = `page:${key}:en`;
    const value = cache.get(name);
    if (value === null) {
      counts.misses += 1;
      cache.set(name, render(key));
      continue;
    }
    counts.hits += 1;
    use(key, value.bytes);
    left -= 1;
    if (left >= 0) send(response, value);
    else value.release();
  }
  response.uncork();
  response.end();
}

function rssBytes(): number {
  return Number(/VmRSS:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * KiB;
}

const lag = new Lag();
const coldBytes = rssBytes() - cache.heldBytes;
const figures = () => ({
  ...counts,
  lag: lag.figures,
  coldBytes,
  rssBytes: rssBytes(),
  heldBytes: cache.heldBytes,
  sizeBytes: cache.sizeBytes,
  beside: process.memoryUsage(),
});

const server = createServer((request, response) => {
  const [, sent, keys = ''] = (request.url ?? '').split('/');
  answer(response, keys.split(',').map(Number), Number(sent));
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));

createInterface({ input: process.stdin }).on('line', async (line) => {
  const [word, bytes] = line.split(' ');
  if (word === 'forget') lag.forget();
  else if (word === 'look') console.log(JSON.stringify(figures()));
  else {
    const { result, reason } = (await cache.resize(Number(bytes))) as {
      result: string;
      reason: string | null;
    };
    console.log(JSON.stringify({ result, reason, ...figures() }));
  }
});
