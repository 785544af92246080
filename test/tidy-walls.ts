// The walls between the rooms, as data: which room may import which, and what of Node and of packages. tidy
// holds the sources and the tsconfig references to this table; ARCHITECTURE.md explains it.

export interface Wall {
  /** Rooms it may import. */
  readonly rooms: readonly string[];
  /** Of these rooms only these files. */
  readonly only?: Readonly<Record<string, readonly string[]>>;
  /** Modules of Node it may never import; `all` means no module of Node. */
  readonly neverNode: readonly string[] | 'all';
  /**
   * Packages it may import. `lazy` ones only by `await import()`, with an error that says what to install.
   */
  readonly packages: readonly string[];
  readonly lazy: readonly string[];
  /** What to do instead, in a sentence. */
  readonly mend: string;
}

const FILES = ['fs', 'fs/promises', 'child_process'];
const REAL_IO = [...FILES, 'net', 'dgram', 'http', 'http2', 'https', 'tls', 'cluster'];
const SENSES = 'a sensing room is handed a Machine (core/machine.ts) and reads through it';

/** `index` is src/index.ts, the public face. */
export const WALLS: Readonly<Record<string, Wall>> = {
  core: wall([], { neverNode: 'all', mend: 'core is pure: pass the value in, or make a seam in core' }),
  sense: wall(['core'], { neverNode: FILES, mend: SENSES }),
  pools: wall(['core'], { neverNode: FILES, mend: SENSES }),
  host: wall(['core'], {
    packages: ['koffi'],
    mend: 'host only does; what decides belongs in core or sense',
  }),
  buffers: wall(['core'], { neverNode: FILES, mend: 'buffers knows this process only' }),
  adapters: wall(['core', 'buffers'], {
    neverNode: FILES,
    mend: "an adapter is handed its user's object, and knows it by what it has",
  }),
  workers: wall(['core'], {
    neverNode: FILES,
    mend: 'workers are opened by what their author gives, and nothing of it is imported at run time',
  }),
  drivers: wall(['core'], {
    neverNode: ['fs'],
    packages: ['zod'],
    lazy: ['redis'],
    mend: 'a driver knows its server (and the file of its password), and is handed the rest',
  }),
  operations: wall(['core'], { neverNode: FILES, mend: 'an operation is handed a Machine or a runner' }),
  partition: wall(['core', 'sense', 'host', 'operations', 'pools'], {
    only: { pools: ['list.ts'] },
    neverNode: FILES,
    mend: 'files are host, arithmetic is sense',
  }),
  testing: wall(['core', 'buffers'], { neverNode: REAL_IO, mend: 'testing simulates: no real I/O' }),
  agent: wall(['core', 'sense', 'host', 'partition', 'buffers', 'drivers', 'operations', 'pools'], {
    only: { drivers: ['list.ts'], pools: ['list.ts'] },
    packages: ['yaml', 'zod'],
    mend: 'the agent wires what the lists name; the CLI, the console and testing know it, not it them',
  }),
  cli: wall(['core', 'partition', 'agent', 'pools', 'testing', 'buffers'], {
    only: { pools: ['list.ts'] },
    packages: ['commander'],
    mend: 'the CLI goes through the partition or the agent; testing and buffers are for `demo`',
  }),
  console: wall(['core'], { neverNode: 'all', mend: 'the console knows the API only, and types of core' }),
  lab: wall([], { mend: 'the lab knows the built package only, as its users do' }),
  index: wall(['core', 'partition', 'buffers'], { neverNode: 'all', mend: 'the public face only exports' }),
};

function wall(rooms: readonly string[], rest: Partial<Wall> & { mend: string }): Wall {
  return { rooms, neverNode: [], packages: [], lazy: [], ...rest };
}
