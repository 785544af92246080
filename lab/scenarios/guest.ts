// What every scenario begins with: a guest that is closed when the test ends, and in it the agent as built
// and a real Redis, watched from outside.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { MiB } from '../../src/core/bytes.ts';
import type { PhysicalMemory } from '../../src/core/memory.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import { type GuestProcess, lab, type OpenOptions, type Vm } from '../index.ts';

const missing = lab.missing();
/** For the runner: false, or why the scenarios cannot run here. */
export const needsLab = { skip: missing === null ? false : `real suite: ${missing}` };

const CONFIG = '/tmp/hotadd.yaml';
const STATE = '/tmp/state';
const RUN = '/run/hotadd';
const PIDS = '/tmp/pids.json';
const REDIS_SOCKET = '/tmp/redis.sock';
/** A change may wait for the deadline of a driver (30 s), twice. */
const RESIZE_MS = 120_000;
/** The first look at a driver loads its client, which takes seconds under emulation. */
const NOTICE_MS = 60_000;

/** `npm run lab` runs scenarios at full length, and `npm test` a part of their rounds. */
export function rounds<Amount>(few: Amount, all: Amount): Amount {
  return process.env.HOTADD_LAB_ROUNDS === 'all' ? all : few;
}

export async function openGuest(t: TestContext, options: OpenOptions = {}): Promise<Vm> {
  const vm = await lab.open({ programs: ['redis-server', 'redis-cli'], ...options });
  t.after(() => vm.close());
  return vm;
}

export interface Followed {
  readonly vm: Vm;
  readonly redis: GuestRedis;
  readonly agent: GuestAgent;
}

/** What is started once and saved with the guest; another name, or another text, is prepared anew. */
export interface SetUp {
  readonly name: string;
  start(vm: Vm): Promise<Pick<Followed, 'redis' | 'agent'>>;
}

export interface FollowedOptions extends OpenOptions {
  /** More lines of the agent's configuration; each other set of them is a state of its own. */
  readonly lines?: readonly string[];
}

/** A guest with the agent following its memory for a Redis. */
export function openFollowed(t: TestContext, options: FollowedOptions = {}): Promise<Followed> {
  const { lines = [], ...rest } = options;
  return openSetUp(t, rest, {
    name: ['agent and redis', ...lines].join('; '),
    start: async (vm) => ({
      redis: await startRedis(vm),
      agent: await startAgent(vm, { lines: [...REDIS_DRIVER, ...lines] }),
    }),
  });
}

export async function openSetUp(t: TestContext, options: OpenOptions, setUp: SetUp): Promise<Followed> {
  const prepare = async (vm: Vm) => {
    const { redis, agent } = await setUp.start(vm);
    await agent.notice(/cache: never set by hotadd/);
    await vm.write(PIDS, JSON.stringify([redis.process.pid, agent.process.pid]));
  };
  const prepared = { name: `${setUp.name}: ${setUp.start}`, prepare };
  const vm = await openGuest(t, { ...options, prepared });
  const [redis, agent] = JSON.parse(await vm.read(PIDS)) as [number, number];
  return {
    vm,
    redis: new GuestRedis(vm, vm.process(redis)),
    agent: new GuestAgent(vm, vm.process(agent)),
  };
}

export interface AgentOptions {
  readonly partition?: string;
  readonly apply?: boolean;
  /** More lines of the configuration. */
  readonly lines?: readonly string[];
  /** Folder of the cgroup that the agent runs in. Default: the root. */
  readonly cgroup?: string;
}

/** `hotadd run` in the guest. Its words are its log, one JSON value a line. */
export class GuestAgent {
  readonly process: GuestProcess;
  readonly #vm: Vm;

  constructor(vm: Vm, process: GuestProcess) {
    this.#vm = vm;
    this.process = process;
  }

  /** The outcomes that the agent has logged so far. */
  get outcomes(): Outcome[] {
    return this.#values('hotadd.outcome/1') as unknown as Outcome[];
  }

  /** The notices that the agent has logged so far. */
  get notices(): string[] {
    return this.#values('hotadd.notice/1').map(({ notice }) => String(notice));
  }

  /** Resolves when there are so many outcomes, with the last of these. */
  async outcome(count = 1, timeoutMs = 30_000): Promise<Outcome> {
    const outcomes = await this.#vm.until(
      `the agent reports ${count} changes`,
      async () => this.outcomes,
      ({ length }) => length >= count,
      { timeoutMs },
    );
    const outcome = outcomes[count - 1];
    assert.ok(outcome);
    return outcome;
  }

  async notice(pattern: RegExp): Promise<string> {
    const notices = await this.#vm.until(
      `the agent says ${pattern}`,
      async () => this.notices,
      (all) => all.some((notice) => pattern.test(notice)),
      { timeoutMs: NOTICE_MS },
    );
    return notices.find((notice) => pattern.test(notice)) ?? '';
  }

  /** Memory as the agent reads it now. */
  memory(): Promise<PhysicalMemory> {
    return this.get('/v1/memory') as Promise<PhysicalMemory>;
  }

  /** Waits until the agent reads so many usable bytes. */
  usable(bytes: number): Promise<PhysicalMemory> {
    const holds = ({ usableBytes }: PhysicalMemory) => usableBytes === bytes;
    return this.#vm.until(`usable is ${bytes / MiB} MiB`, () => this.memory(), holds);
  }

  async get(path: string): Promise<unknown> {
    const { status, body } = await this.#vm.http(`${RUN}/control.sock`, path);
    assert.equal(status, 200, body);
    return JSON.parse(body);
  }

  /** A planned change; resolves with its outcome, or the error that the agent answers. */
  async resize(toBytes: number): Promise<Outcome> {
    const answer = await this.#vm.http(`${RUN}/control.sock`, '/v1/resize', {
      method: 'POST',
      body: JSON.stringify({ toBytes }),
      timeoutMs: RESIZE_MS,
    });
    assert.equal(answer.status, 200, answer.body);
    return JSON.parse(answer.body) as Outcome;
  }

  async stop(): Promise<void> {
    await this.process.kill('SIGTERM');
    await this.process.end();
  }

  #values(schema: string): Record<string, unknown>[] {
    const values = this.process.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    return values.filter((value) => value.schema === schema);
  }
}

export async function startAgent(vm: Vm, options: AgentOptions = {}): Promise<GuestAgent> {
  const lines = [
    'version: 1',
    `partition: ${options.partition ?? 'machine'}`,
    `apply: ${options.apply ?? true}`,
    `state: ${STATE}`,
    `run: ${RUN}`,
    ...(options.lines ?? []),
  ];
  await vm.write(CONFIG, `${lines.join('\n')}\n`, { mode: 0o600 });
  const words = ['run', '--json', '--config', CONFIG];
  const cgroup = options.cgroup === undefined ? {} : { cgroup: options.cgroup };
  const process = await vm.startHotadd(words, cgroup);
  await process.match(/"schema":"hotadd.ready\/1"/);
  return new GuestAgent(vm, process);
}

/** The lines of the configuration that name the guest's Redis as a driver. */
export const REDIS_DRIVER = [`drivers: [{ name: cache, driver: redis, url: 'unix:${REDIS_SOCKET}' }]`];

export class GuestRedis {
  readonly process: GuestProcess;
  readonly #vm: Vm;

  constructor(vm: Vm, process: GuestProcess) {
    this.#vm = vm;
    this.process = process;
  }

  /** One command; resolves with what redis-cli prints. */
  async run(...words: string[]): Promise<string> {
    const result = await this.#vm.run(['redis-cli', '-s', REDIS_SOCKET, ...words]);
    assert.equal(result.code, 0, result.stderr);
    return result.stdout.trim();
  }

  async maxmemory(): Promise<number> {
    return Number((await this.run('CONFIG', 'GET', 'maxmemory')).split('\n')[1]);
  }

  /** Fills it with values of one size until it holds about so many bytes. */
  async fill(bytes: number, valueBytes = 20_000): Promise<void> {
    await this.run('DEBUG', 'POPULATE', String(Math.ceil(bytes / valueBytes)), 'key', String(valueBytes));
  }
}

/** A real Redis in the guest that evicts what it cannot keep. */
export async function startRedis(
  vm: Vm,
  options: { maxmemoryBytes?: number; cgroup?: string } = {},
): Promise<GuestRedis> {
  const { maxmemoryBytes = 64 * MiB, cgroup } = options;
  const words = [
    ...['redis-server', '--port', '0', '--unixsocket', REDIS_SOCKET, '--save', '', '--dir', '/tmp'],
    ...['--maxmemory', String(maxmemoryBytes), '--maxmemory-policy', 'allkeys-lru'],
    ...['--enable-debug-command', 'local'],
  ];
  const process = await vm.start(words, cgroup === undefined ? {} : { cgroup });
  await process.match(/eady to accept connections/);
  return new GuestRedis(vm, process);
}
