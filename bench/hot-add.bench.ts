// A module is plugged into a guest of the lab: when does who know? From QMP's device_add to the first
// uevent, to the last block online, to the driver called, to Redis proven; beside a netlink loop in C and
// programs that poll, all in the same guest. Everything is emulated, so only the order of things and the
// ratios carry over.
import { fileURLToPath } from 'node:url';
import { type GuestProcess, lab, type Vm } from '../lab/index.ts';
import { compile, pause } from './contender.ts';
import { median, withSpread } from './figures.ts';
import { publish, publishSkip, QUICK } from './report.ts';

const TITLE = 'Module added -> driver called, Redis proven';
const RUNS = QUICK ? 2 : 10;
const MODULE_BYTES = 512 * 1024 ** 2;
const CONFIG = '/tmp/hotadd.yaml';
const SOCKET = '/tmp/redis.sock';
/** Longer than a change takes, and no multiple of a poll. */
const GAP_MS = 4_300;
const MINUTE_MS = 60_000;

const contender = (name: string) => fileURLToPath(new URL(`contenders/${name}`, import.meta.url));

interface Contenders {
  readonly listener: GuestProcess;
  readonly agent: GuestProcess;
  readonly polls: GuestProcess;
}

/** When a module was plugged in, by the guest's clock, and what memory was to become. */
interface Added {
  readonly atUs: number;
  readonly toBytes: number;
}

async function start(vm: Vm): Promise<Contenders> {
  const server = ['redis-server', '--port', '0', '--unixsocket', SOCKET, '--save', '', '--dir', '/tmp'];
  const redis = await vm.start([...server, '--maxmemory', '64mb', '--maxmemory-policy', 'allkeys-lru']);
  await redis.match(/eady to accept connections/);
  const driver = `drivers: [{ name: cache, driver: redis, url: 'unix:${SOCKET}' }]`;
  const lines = [
    'version: 1',
    'partition: machine',
    'apply: true',
    'state: /tmp/state',
    'run: /tmp/run',
    driver,
  ];
  await vm.write(CONFIG, `${lines.join('\n')}\n`, { mode: 0o600 });
  const agent = await vm.start({ file: contender('hot-add-agent.js'), arguments: [CONFIG] });
  await agent.match(/"ready"/);
  const listener = await vm.start(['sh', '-c', '(echo open; exec sleep 1000000) | uevent-listen']);
  await listener.match(/open/);
  const polls = await vm.start({ file: contender('hot-add-poll.js') });
  // All ten have begun, and the agent's client of Redis is loaded.
  await polls.match(/"60 s, 9"/, { timeoutMs: 2 * MINUTE_MS });
  return { listener, agent, polls };
}

/** The guest's clock at this moment: of a few questions the one that was answered quickest, at its middle. */
async function guestOffsetUs(vm: Vm): Promise<number> {
  let best = { tookUs: Number.POSITIVE_INFINITY, offsetUs: 0 };
  for (let time = 0; time < 7; time += 1) {
    const askedUs = performance.now() * 1_000;
    const guestUs = await vm.clockUs();
    const tookUs = performance.now() * 1_000 - askedUs;
    if (tookUs < best.tookUs) best = { tookUs, offsetUs: guestUs - askedUs - tookUs / 2 };
  }
  return best.offsetUs;
}

async function add(vm: Vm, agent: GuestProcess): Promise<Added> {
  const toBytes = (await vm.memTotalBytes()) + MODULE_BYTES;
  const offsetUs = await guestOffsetUs(vm);
  const atUs = performance.now() * 1_000 + offsetUs;
  await vm.addModule(MODULE_BYTES, { wait: false });
  await agent.match(new RegExp(`"ended":"done","toBytes":${toBytes}`));
  return { atUs, toBytes };
}

const values = (process: GuestProcess) =>
  process.lines.map((line) => JSON.parse(line) as Record<string, unknown> & { readonly atUs: number });

/** Milliseconds from one addition until each of them knew. */
function latencies(
  { listener, agent, polls }: Contenders,
  added: Added,
  next: Added | undefined,
  run: number,
) {
  const untilUs = next?.atUs ?? Number.POSITIVE_INFINITY;
  const heardUs = listener.lines
    .flatMap((line) => /^(\d+) (\d+)$/.exec(line)?.[2] ?? [])
    .map((ns) => Number(ns) / 1_000)
    .filter((us) => us > added.atUs && us < untilUs);
  const later = ({ atUs }: { readonly atUs: number }) => atUs > added.atUs;
  const said = values(agent).filter(later);
  const sees = (name: string) =>
    values(polls).find((tick) => later(tick) && tick.name === name && Number(tick.total) >= added.toBytes);
  const ms = (us: number | undefined) => ((us ?? Number.NaN) - added.atUs) / 1_000;
  return {
    firstUevent: ms(heardUs[0]),
    lastUevent: ms(heardUs.at(-1)),
    called: ms(said.find(({ called }) => called !== undefined)?.atUs),
    proven: ms(said.find(({ ended }) => ended === 'done')?.atUs),
    poll1: ms(sees('1 s')?.atUs),
    // Modules come every five seconds: in steps of three the phases meet them all over the minute.
    poll60: ms(sees(`60 s, ${(3 * run) % 10}`)?.atUs),
  };
}

async function measure(vm: Vm) {
  const contenders = await start(vm);
  await add(vm, contenders.agent);
  const additions: Added[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    additions.push(await add(vm, contenders.agent));
    await pause(GAP_MS);
  }
  await pause(MINUTE_MS);
  return additions.map((added, run) => latencies(contenders, added, additions[run + 1], run));
}

async function main(): Promise<void> {
  const missing = lab.missing();
  if (missing !== null) return publishSkip(TITLE, missing);
  const programs = ['redis-server', compile('uevent-listen.c')];
  const vm = await lab.open({ programs });
  try {
    const runs = await measure(vm);
    const column = (pick: (run: (typeof runs)[number]) => number) => runs.map(pick);
    const bare = median(column(({ lastUevent }) => lastUevent));
    const row = (what: string, all: readonly number[]) => [
      what,
      withSpread(all),
      (median(all) / bare).toFixed(2),
    ];
    publish({
      title: TITLE,
      about:
        `A guest of the lab (${vm.kernelRelease}, emulated, one processor) with 512 MiB; modules of ` +
        `512 MiB, one after another, median of ${RUNS}. Milliseconds from QMP's device_add; the clocks of ` +
        'host and guest are matched to about 1 ms. hotadd waits for 250 ms of quiet before it plans (S4).',
      columns: ['', 'ms', 'of C, last uevent'],
      rows: [
        row(
          'C netlink loop: first uevent',
          column(({ firstUevent }) => firstUevent),
        ),
        row(
          'C netlink loop: last uevent, all online',
          column(({ lastUevent }) => lastUevent),
        ),
        row(
          'hotadd: driver called',
          column(({ called }) => called),
        ),
        row(
          'hotadd: Redis resized, proven',
          column(({ proven }) => proven),
        ),
        row(
          'polling MemTotal every 1 s',
          column(({ poll1 }) => poll1),
        ),
        row(
          'polling MemTotal every 60 s',
          column(({ poll60 }) => poll60),
        ),
      ],
      bars: [],
      notes: [],
    });
  } finally {
    await vm.close();
  }
}

await main();
