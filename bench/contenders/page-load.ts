// The load on page-server.ts, from a process of its own: `page-load.ts PORT KEYS REQUESTS_PER_SECOND`.
// So many requests are begun a second, whether or not answers have come (open loop), up to a bound; keys by
// Zipf 0.9. One request in a hundred asks for all values, and reads them late, so that the server has to
// keep them. `look` on its standard input gives a line of JSON.
import { Agent, get, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { RandomSim } from '../../src/testing/random-sim.ts';
import { zipf } from '../cache-traces.ts';
import { areValues } from '../page-values.ts';

const KEYS_OF_PAGE = 128;
const SENT = 4;
const TICK_MS = 5;
const IN_FLIGHT_MOST = 16;
const LATE_EVERY = 100;
const LATE_MS = 100;

const [port = '', keys = '', rate = ''] = process.argv.slice(2);
const random = new RandomSim(7);
const next = zipf(random, Number(keys), 0.9);
const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT_MOST });
const counts = { served: 0, failed: 0, notBegun: 0, bytes: 0, slowestMs: 0 };
let inFlight = 0;
let begun = 0;
let why = '';

/** Ranks are spread over keys, so that what is asked for often was not all written at one time. */
const keyOf = (rank: number) => (rank * 7919) % Number(keys);

function failed(reason: string): void {
  counts.failed += 1;
  why ||= reason;
}

function read(response: IncomingMessage, wanted: readonly number[], done: () => void): void {
  const parts: Buffer[] = [];
  response.on('data', (part: Buffer) => parts.push(part));
  response.on('end', () => {
    const body = Buffer.concat(parts);
    counts.served += 1;
    counts.bytes += body.length;
    if (response.statusCode !== 200) failed(`status ${response.statusCode}`);
    else if (!areValues(new Set(wanted), body)) failed('a value is not its own');
    done();
  });
}

function request(): void {
  begun += 1;
  inFlight += 1;
  const late = begun % LATE_EVERY === 0;
  const wanted = Array.from({ length: KEYS_OF_PAGE }, () => keyOf(next()));
  const path = `/${late ? KEYS_OF_PAGE : SENT}/${wanted.join(',')}`;
  const startMs = performance.now();
  const done = () => {
    inFlight -= 1;
    if (!late) counts.slowestMs = Math.max(counts.slowestMs, performance.now() - startMs);
  };
  get({ host: '127.0.0.1', port, path, agent }, (response) => {
    if (late) setTimeout(() => read(response, wanted, done), LATE_MS);
    else read(response, wanted, done);
    response.on('error', ({ message }) => failed(message));
  }).on('error', ({ message }) => {
    inFlight -= 1;
    failed(message);
  });
}

const startMs = performance.now();
setInterval(() => {
  const due = Math.floor(((performance.now() - startMs) * Number(rate)) / 1_000);
  while (begun + counts.notBegun < due) {
    if (inFlight < IN_FLIGHT_MOST) request();
    else counts.notBegun += 1;
  }
}, TICK_MS);

createInterface({ input: process.stdin }).on('line', (word) => {
  if (word === 'forget') counts.slowestMs = 0;
  else console.log(JSON.stringify({ ...counts, why }));
});
console.log('{}');
