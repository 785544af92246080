// `hotadd watch`: says each change of memory as it settles, until it is stopped. It changes nothing.
import { HotaddError } from '../core/errors.ts';
import type { PhysicalMemory } from '../core/memory.ts';
import type { Outcome } from '../core/outcome.ts';
import { openPartition } from '../partition/open.ts';
import type { Partition } from '../partition/partition.ts';
import { amount } from './columns.ts';
import { type Command, EXIT, JSON_OPTION, PARTITION_OPTION } from './command.ts';
import { ROOT_OPTION, rootOf } from './memory.ts';
import { offlineText } from './memory-text.ts';
import { aborted, type Output, stopSignal } from './output.ts';

export const watch: Command = {
  name: 'watch',
  summary: 'Says each change of memory as it settles, until SIGINT.',
  about:
    'The first line is memory as it is. A limit counts at once; modules count when they are quiet; growth ' +
    'below 1 % is left out. Changes nothing.',
  examples: ['watch', 'watch --partition cgroup:/app --json'],
  arguments: [],
  options: [
    { ...PARTITION_OPTION, summary: `${PARTITION_OPTION.summary} (default: self)` },
    { ...ROOT_OPTION, summary: `${ROOT_OPTION.summary}; it is polled` },
    { ...JSON_OPTION, summary: 'print JSON, one value a line' },
  ],
  run: async (given, output) => {
    const stop = stopSignal();
    const ended = new AbortController();
    const watched = new Watched(output, () => ended.abort());
    const root = rootOf(given);
    const partition = await openPartition({
      partition: given.option('partition') ?? 'self',
      ...(root === null ? {} : { root }),
      onMemory: (memory) => watched.sawMemory(memory),
      onOutcome: (outcome) => watched.sawChange(outcome),
    });
    try {
      watched.begin(partition);
      await aborted(stop, ended.signal, output.unread);
    } finally {
      await partition.close();
    }
    if (!watched.gone) return EXIT.done;
    throw new HotaddError('HOTADD_GONE', 'the partition is gone', { place: partition.identity });
  },
};

class Watched {
  readonly #output: Output;
  readonly #onGone: () => void;
  #partition: Partition | null = null;
  #offlineBytes = 0;
  #stale = '';
  gone = false;

  constructor(output: Output, onGone: () => void) {
    this.#output = output;
    this.#onGone = onGone;
  }

  begin(partition: Partition): void {
    const { memory } = partition;
    this.#partition = partition;
    this.#say('present', memory, null, [`usable ${amount(memory.usableBytes)} (${bound(memory)})`]);
    this.sawMemory(memory);
  }

  sawChange({ change }: Outcome): void {
    if (this.#partition === null) return;
    const { fromBytes, toBytes, cause } = change;
    const sign = toBytes < fromBytes ? '-' : '+';
    const moved = `${sign}${amount(Math.abs(toBytes - fromBytes))}`;
    const text = `${moved} (${amount(fromBytes)} -> ${amount(toBytes)}), ${cause}`;
    this.#say('change', this.#partition.memory, change, [this.#output.style('bold', text)]);
  }

  /** Each reading of the loop: what is no change of memory and still worth a line. */
  sawMemory(memory: PhysicalMemory): void {
    // The loop reads once before the partition is in our hands; begin() looks again.
    if (this.#partition === null) return;
    if (memory.gone && !this.gone) {
      this.gone = true;
      this.#onGone();
    }
    const offlineBytes = memory.blocks?.offlineBytes ?? 0;
    if (offlineBytes !== this.#offlineBytes) {
      const lines =
        offlineBytes === 0
          ? ['all added memory is online']
          : offlineText(this.#partition.sensor.offlineBlocks());
      this.#say('offline', memory, null, lines);
    }
    this.#offlineBytes = offlineBytes;
    const stale = memory.stale.map(({ reading, error }) => `${reading}: ${error}`).join('; ');
    if (stale !== this.#stale) {
      this.#say('stale', memory, null, [stale === '' ? 'all can be read again' : `stale: ${stale}`]);
    }
    this.#stale = stale;
  }

  #say(what: string, memory: PhysicalMemory, change: Outcome['change'] | null, text: string[]): void {
    const at = new Date().toISOString();
    if (this.#output.json) {
      this.#output.value('watch', { at, what, change, memory });
      return;
    }
    const [first = '', ...more] = text;
    this.#output.line(`${at} ${first}`);
    for (const line of more) this.#output.line(line);
  }
}

function bound({ boundBy }: PhysicalMemory): string {
  return boundBy === null ? 'not known' : `${boundBy.file} of ${boundBy.level}`;
}
