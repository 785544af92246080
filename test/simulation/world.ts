// The world of one history: a simulated server with one partition, the servers that run in it, a disk, and
// the production agent, which lives, dies and lives again. run.ts walks it through the steps.
import { type Agent, openAgent } from '../../src/agent/agent.ts';
import { readHistory } from '../../src/agent/history-reading.ts';
import type { Cancel } from '../../src/core/clock.ts';
import {
  type DriverState,
  READ_IN_LOOK_MS,
  type ResizeContext,
  type Setting,
  type Target,
} from '../../src/core/driver.ts';
import { HotaddError, messageOf, Refusal } from '../../src/core/errors.ts';
import { headroomBytes } from '../../src/core/memory.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import type { DriverKind } from '../../src/drivers/list.ts';
import type { ModuleSim } from '../../src/testing/module-sim.ts';
import type { PartitionSim } from '../../src/testing/partition-sim.ts';
import { RandomSim } from '../../src/testing/random-sim.ts';
import { ServerSim } from '../../src/testing/server-sim.ts';
import type { KillSim, ProcessSim } from '../../src/testing/software-sim.ts';
import { CGROUP, configOf, STATE } from './agent-config.ts';
import { DiskSim } from './disk-sim.ts';
import { Life, type LifeWitness } from './life.ts';
import { RoomOracle } from './room-oracle.ts';
import type { Scenario } from './scenario.ts';
import { textOf } from './sentence.ts';
import { StoreSim } from './store-sim.ts';
import type { Fact } from './trace.ts';

const DOWN_MS = 500;
/** No change takes longer: an intent that failed at its beginning may be missing until then. */
const CHANGE_MOST_MS = 120_000;
/** What the kernel kills is started again by its supervisor. */
const RESTART_MS = 1_000;

type Untimed<Each> = Each extends Fact ? Omit<Each, 'atMs' | 'life'> : never;

export class World implements LifeWitness {
  readonly scenario: Scenario;
  readonly server: ServerSim;
  readonly partition: PartitionSim;
  readonly stores: readonly StoreSim[];
  readonly disk: DiskSim;
  readonly random: RandomSim;
  readonly facts: Fact[] = [];
  readonly added: ModuleSim[] = [];
  readonly oracle: RoomOracle;
  /** A line for a person, in replay. */
  log: ((line: string) => void) | null = null;
  life: Life | null = null;
  agent: Agent | null = null;
  /** Why the agent could not be opened last. */
  openError: string | null = null;
  others: ProcessSim | null = null;
  #lives = 0;
  /** Writes of the agent to the machine, and removals by others, that are under way. */
  #writes = 0;
  #takers = 0;
  #usedAtWrite = 0;
  #visitors = 0;
  #quiet = false;
  /** How long the agent stays away when it dies: then its supervisor starts it again. */
  #downMs = DOWN_MS;
  /** Takes the next start back. */
  #restart: Cancel = () => {};
  /** With the next death the whole machine loses power. */
  #losesPower = false;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.random = new RandomSim(scenario.seed ^ 0x5eed);
    this.server = new ServerSim({ seed: scenario.seed });
    this.partition = this.server.partition('sim', {
      modules: [scenario.bootBytes],
      autoOnline: scenario.autoOnline,
      nodes: scenario.nodes,
      offlineMs: scenario.offlineMs,
      refuses: (block) => ((block * 7 + scenario.seed) % 11 === 0 && !this.#quiet ? 'EBUSY' : undefined),
      delivery: {},
    });
    this.stores = scenario.stores.map((options) => new StoreSim(options, this.server.clock));
    this.disk = new DiskSim(this.clock);
    this.oracle = new RoomOracle(this);
    this.boot();
  }

  get clock() {
    return this.server.clock;
  }

  get nowMs(): number {
    return this.clock.monotonicMs();
  }

  tell(fact: Untimed<Fact>, life = this.life?.number ?? this.#lives): void {
    this.facts.push({ atMs: this.nowMs, life, ...fact } as Fact);
  }

  say(line: string): void {
    this.log?.(`${(this.nowMs / 1_000).toFixed(3).padStart(9)} s  ${line}`);
  }

  // ---- The partition and its software. ----

  /** What the system starts when it starts. */
  boot(): void {
    const { partition, scenario } = this;
    partition.machine.software.onKill = (kill) => this.#killed(kill);
    if (scenario.partition === 'cgroup') {
      partition.cgroup('/above', 'max');
      partition.cgroup(CGROUP, scenario.limitBytes);
    }
    this.others = partition.run('others', 0, { cgroup: this.cgroup });
    for (const store of this.stores) this.startStore(store);
  }

  get cgroup(): string {
    return this.scenario.partition === 'cgroup' ? CGROUP : '/';
  }

  startStore(store: StoreSim): void {
    store.start(this.partition.run(store.name, 0, { cgroup: this.cgroup }));
  }

  #killed({ process, bytes, level, cause }: KillSim): void {
    const { partition } = this;
    // Whoever takes more than the headroom while a block is on its way has nobody else to blame.
    const grewBytes = partition.usedBytes + bytes - this.#usedAtWrite;
    const isSudden = grewBytes > headroomBytes(partition.onlineBytes, partition.machine.cpus);
    const byAgent = this.#writes > 0 && this.#takers === 0 && cause === 'less memory' && !isSudden;
    this.tell({ fact: 'killed', process: process.name, byAgent });
    this.say(`the kernel kills ${process.name} (${level}, ${cause})${byAgent ? ', by the agent' : ''}`);
    const store = this.stores.find((each) => each.process === process);
    if (store === undefined) return;
    store.note();
    this.clock.after(RESTART_MS, () => {
      if (store.process === process) this.startStore(store);
    });
  }

  // ---- The agent. ----

  /** Begins a life, unless one is on. */
  start(): void {
    if (this.life !== null) return;
    this.#lives += 1;
    const life = new Life(this.#lives, this);
    this.life = life;
    this.tell({ fact: 'life begins' });
    this.say(`agent ${life.number} starts`);
    this.oracle.begins();
    void this.#open(life);
  }

  async #open(life: Life): Promise<void> {
    this.openError = null;
    try {
      const opened = await Promise.race([this.#openAgent(life), this.#whenDead(life)]);
      if (opened === null) return;
      this.agent = opened;
      void opened.firstPass().catch(() => undefined);
    } catch (thrown) {
      this.openError = messageOf(thrown);
      this.say(`agent ${life.number} does not start: ${this.openError}`);
      if (!life.dead) life.die();
    }
  }

  #dead = Promise.withResolvers<null>();

  #whenDead(life: Life): Promise<null> {
    this.#dead = Promise.withResolvers<null>();
    return life.dead ? Promise.resolve(null) : this.#dead.promise;
  }

  #openAgent(life: Life): Promise<Agent> {
    const machine = life.machine(this.oracle.watched(this.partition.machine));
    return openAgent({
      config: configOf(this.scenario),
      program: `life ${life.number}`,
      machine,
      clock: life.clock(this.clock),
      disk: life.disk(this.disk),
      kinds: [this.#kind(life)],
      onOutcome: (outcome) => {
        if (!life.dead) this.#outcome(life, outcome);
      },
      onNotice: (notice) => {
        if (!life.dead) this.say(`agent ${life.number} says: ${notice}`);
      },
    });
  }

  #kind(life: Life): DriverKind {
    const open = (name: string) => {
      const store = this.stores.find((each) => each.name === name);
      if (store === undefined) throw new Error(`there is no ${name}`);
      return life.driver(name, {
        read: async () => {
          const askedMs = this.nowMs;
          const state: DriverState = await store.read();
          // Nobody waits for an answer any longer than that.
          const isHeard = this.nowMs - askedMs < READ_IN_LOOK_MS && !life.dead;
          if (isHeard) this.oracle.read(store, state);
          return state;
        },
        resize: async (target, context) => {
          try {
            const settings = await store.resize(target);
            if (!life.dead) this.#returned(life, name, context.changeId, settings);
            return settings;
          } catch (thrown) {
            if (!life.dead && thrown instanceof Refusal) this.oracle.refused(name);
            throw thrown;
          } finally {
            if (!life.dead) this.oracle.returned(name);
          }
        },
      });
    };
    return { kind: 'store', summary: 'a simulated server', options: undefined as never, open };
  }

  /** The life ends by the agent's own close. */
  async close(): Promise<void> {
    const { life, agent } = this;
    if (life === null || agent === null) return;
    this.agent = null;
    this.say(`agent ${life.number} is closed`);
    await Promise.race([agent.close().catch(() => undefined), this.#dead.promise]);
    if (life.dead) return;
    this.#over(life, 'closed');
    life.dead = true;
  }

  /** The agent, or the whole machine, dies after so many crossings of a seam. */
  kill(crossings: number, downMs: number, losesPower: boolean): void {
    if (this.life === null) return;
    this.#downMs = downMs;
    this.#losesPower = losesPower;
    this.life.dieIn(crossings);
  }

  // ---- What a life tells. ----

  died(life: Life): void {
    this.say(`agent ${life.number} is gone${this.#losesPower ? ', and the machine with it' : ''}`);
    this.#over(life, 'crashed');
    this.#dead.resolve(null);
    if (this.#losesPower) {
      this.disk.cutPower(this.random);
      this.partition.restart();
      this.boot();
    }
    this.#restart();
    this.#restart = this.clock.after(this.openError === null ? this.#downMs : DOWN_MS, () => this.start());
    this.#downMs = DOWN_MS;
    this.#losesPower = false;
  }

  #over(life: Life, how: 'closed' | 'crashed'): void {
    this.tell({ fact: 'life ends', how }, life.number);
    this.partition.machine.dropLocks();
    if (this.life === life) this.life = this.agent = null;
  }

  writing(_life: Life, work: () => void | Promise<void>): void | Promise<void> {
    this.#writes += 1;
    this.#usedAtWrite = this.partition.usedBytes;
    const over = () => {
      this.#writes -= 1;
    };
    try {
      const done = work();
      if (done === undefined) over();
      else return done.finally(over);
    } catch (thrown) {
      over();
      throw thrown;
    }
  }

  /** Somebody else takes memory: until then nobody can say who killed. */
  async takingMemory(work: Promise<unknown>): Promise<void> {
    this.#takers += 1;
    await work.catch(() => undefined);
    this.#takers -= 1;
  }

  get isBeingTaken(): boolean {
    return this.#takers > 0;
  }

  asked(life: Life, driver: string, target: Target, { changeId, phase }: ResizeContext): void {
    const bytes = 'bytes' in target ? target.bytes : null;
    const { grows, committedBytes, roomBytes } = this.oracle.asked(driver, bytes);
    const intended = this.#isIntended(driver, changeId);
    this.tell(
      { fact: 'asked', driver, changeId, phase, bytes, grows, committedBytes, roomBytes, intended },
      life.number,
    );
    if (this.log !== null) this.say(`${driver} is asked (${phase} of ${changeId}) for ${textOf(target)}`);
  }

  #returned(life: Life, driver: string, changeId: number, settings: readonly Setting[]): void {
    this.tell({ fact: 'returned', driver, changeId, settings }, life.number);
    if (this.log !== null) this.say(`${driver} returns ${textOf({ settings })}`);
  }

  ended(
    life: Life,
    driver: string,
    { changeId, phase }: { changeId: number; phase: 'complete' | 'failure' },
  ): void {
    this.tell({ fact: 'ended', driver, changeId, phase }, life.number);
    this.say(`${driver} hears: ${phase} of ${changeId}`);
  }

  #outcome(life: Life, outcome: Outcome): void {
    const { changeId } = outcome.change;
    const recorded = this.disk.fails !== null ? null : this.#onDisk(`"kind":"outcome"`, changeId) !== null;
    this.tell({ fact: 'outcome', outcome, recorded }, life.number);
    this.say(`change ${changeId} ${outcome.change.origin} ${outcome.result}: ${outcome.report}`);
  }

  #isIntended(driver: string, changeId: number): boolean | null {
    const line = this.#onDisk('"kind":"intent"', changeId, `"driver":"${driver}"`);
    return line === null && this.nowMs - this.disk.failedAtMs < CHANGE_MOST_MS ? null : line !== null;
  }

  /** A line of the history that would outlast a power cut. */
  #onDisk(kind: string, changeId: number, also = ''): string | null {
    const id = new RegExp(`"changeId":${changeId}\\b`);
    const lines = this.disk.syncedText(`${STATE}/history.ndjson`).split('\n');
    return lines.find((line) => line.includes(kind) && line.includes(also) && id.test(line)) ?? null;
  }

  // ---- The end. ----

  visitorName(): string {
    this.#visitors += 1;
    return `visitor${this.#visitors}`;
  }

  /** All faults stop: what is left to do is the agent's. */
  calm(): void {
    this.#quiet = true;
    this.life?.spare();
    this.disk.fails = null;
    this.partition.machine.fails = null;
    this.partition.delivery.options = {};
    for (const store of this.stores) {
      store.behaviour = 'obey';
      store.reading = 'answer';
      store.release();
    }
    this.say('all faults stop');
  }

  /** What the servers start with does not fit: the kernel kills them before anybody can set them smaller. */
  get isHopeless(): boolean {
    const { software, memory } = this.partition.machine;
    const limits = [...software.cgroups.values()].map(({ maxBytes }) => maxBytes);
    const usable = Math.min(memory.onlineBytes, ...limits.filter((limit) => limit !== 'max'));
    const others = this.others?.usedBytes ?? 0;
    const needed = this.stores.reduce((sum, { startBytes }) => sum + startBytes, others);
    return needed > usable;
  }

  async readHistory() {
    try {
      const reading = await readHistory(STATE, this.disk);
      const entries = (await reading.entries()).reverse();
      return {
        history: entries.map(({ intent, outcome }) => ({ changeId: intent.change.changeId, outcome })),
        untold: reading.interrupted().map(({ change }) => change.changeId),
      };
    } catch (thrown) {
      if (!(thrown instanceof HotaddError)) throw thrown;
      return { history: null, untold: [] };
    }
  }
}
