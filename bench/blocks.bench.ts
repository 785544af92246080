// Memory blocks: the first scan of a machine with 32,768 of them beside a C program that reads the same
// files, how long a slice holds the loop, and what one block's event costs on machines of different size.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { Contender, compile, tempFolder } from './contender.ts';
import { digits, median, withSpread } from './figures.ts';
import { publish, publishSkip, QUICK } from './report.ts';

const TITLE = 'Memory blocks';
const SIZES = [512, 4_096, 32_768];
const RUNS = QUICK ? 3 : 9;
const FOLDER = '/sys/devices/system/memory';

/** A machine's folder of memory blocks, in memory where the system has a tmpfs. */
function makeMachine(blocks: number): string {
  const root = tempFolder(existsSync('/dev/shm') ? '/dev/shm' : undefined);
  mkdirSync(root + FOLDER, { recursive: true });
  writeFileSync(`${root}${FOLDER}/block_size_bytes`, '8000000\n');
  for (let block = 0; block < blocks; block += 1) {
    mkdirSync(`${root}${FOLDER}/memory${block}`);
    writeFileSync(`${root}${FOLDER}/memory${block}/state`, 'online\n');
  }
  return root;
}

interface Scan {
  readonly cMs: number;
  readonly ms: number;
  readonly longestMs: number;
  readonly slices: number;
  readonly eventUs: number;
}

async function scan(program: string, root: string, blocks: number): Promise<Scan> {
  const c = new Contender('C', program, [root + FOLDER]);
  const [cNs = Number.NaN, cOnline] = await c.numbers();
  const hotadd = Contender.node('hotadd', 'scan-hotadd.ts', [root, String(blocks)]);
  const [ns = Number.NaN, online, longestNs = Number.NaN, slices = 0, eventNs = Number.NaN] =
    await hotadd.numbers();
  await Promise.all([c.stop(), hotadd.stop()]);
  if (online !== blocks || cOnline !== blocks)
    throw new Error(`${online} and ${cOnline} of ${blocks} blocks`);
  return { cMs: cNs / 1e6, ms: ns / 1e6, longestMs: longestNs / 1e6, slices, eventUs: eventNs / 1e3 };
}

async function main(): Promise<void> {
  let program: string;
  try {
    program = compile('scan-blocks.c');
  } catch (error) {
    return publishSkip(TITLE, (error as Error).message);
  }
  const machines = SIZES.map((blocks) => ({ blocks, root: makeMachine(blocks), scans: [] as Scan[] }));
  // The first reading of the files by anybody fills the kernel's caches.
  for (const { blocks, root } of machines) await scan(program, root, blocks);
  for (let run = 0; run < RUNS; run += 1) {
    for (const { blocks, root, scans } of machines) scans.push(await scan(program, root, blocks));
  }
  show(machines);
}

function show(machines: readonly { blocks: number; scans: readonly Scan[] }[]): void {
  const of = (scans: readonly Scan[], what: keyof Scan) => scans.map((scan) => scan[what]);
  const largest = machines.at(-1)?.scans ?? [];
  publish({
    title: TITLE,
    about:
      'A tree of memoryN/state files; each scan is the first one of a new process, not warmed up. ' +
      `${RUNS} runs, C and hotadd in turn. An event of one block: its state is read again and memory ` +
      'added up.',
    columns: [
      'blocks',
      'C, ms',
      'hotadd, ms',
      'ratio',
      'longest hold of the loop, ms',
      'turns of the loop',
      'one event, us',
    ],
    rows: machines.map(({ blocks, scans }) => [
      blocks.toLocaleString('en'),
      withSpread(of(scans, 'cMs')),
      withSpread(of(scans, 'ms')),
      digits(median(scans.map(({ ms, cMs }) => ms / cMs))),
      withSpread(of(scans, 'longestMs')),
      digits(median(of(scans, 'slices'))),
      withSpread(of(scans, 'eventUs')),
    ]),
    bars: [
      {
        what: 'first scan of 32,768 blocks, hotadd / C',
        unit: 'x',
        runs: largest.map(({ ms, cMs }) => ms / cMs),
        atMost: 3,
      },
      {
        what: 'longest hold of the loop',
        unit: 'ms',
        runs: of(largest, 'longestMs'),
        atMost: 10,
        ifMissed:
          'A slice ends after 2 ms; what is longer is a collection of garbage, or other work of the machine.',
      },
    ],
    notes: [],
  });
}

await main();
