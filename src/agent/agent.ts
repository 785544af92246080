// The agent: the one place that wires. Configuration in, a partition with its drivers, its history and its
// loop out. `hotadd run` keeps one open behind a control socket (api.ts); a one-shot command opens one, asks,
// and closes it.
import type { Clock } from '../core/clock.ts';
import { standingOf } from '../core/drift.ts';
import type { Driver, DriverState } from '../core/driver.ts';
import { HotaddError, messageOf } from '../core/errors.ts';
import type { Machine } from '../core/machine.ts';
import type { Outcome } from '../core/outcome.ts';
import { PAGE_MOST_BYTES } from '../core/planned.ts';
import type { Member } from '../core/registry.ts';
import { Round } from '../core/round.ts';
import { DRIVERS, type DriverKind } from '../drivers/list.ts';
import { clockOs } from '../host/clock-os.ts';
import { machineOs } from '../host/machine-os.ts';
import { type Journal, openPartition } from '../partition/open.ts';
import type { Partition } from '../partition/partition.ts';
import { pathBelow } from '../sense/cgroup.ts';
import { parsePartitionName } from '../sense/partition-name.ts';
import { readBootId, resolvePartition } from '../sense/partition-place.ts';
import type { Config } from './config.ts';
import { type Disk, diskOs } from './disk.ts';
import { type History, openHistory } from './history.ts';
import { type HistoryReading, readHistory } from './history-reading.ts';
import { Notices } from './notices.ts';
import { Onliner } from './onliner.ts';
import { makeOwnFolder } from './safe-file.ts';
import { openTakenBlocks, type TakenBlocks } from './taken-blocks.ts';

export interface AgentOptions {
  readonly config: Config;
  /** What the holder of the lock is called: `hotadd run`. */
  readonly program: string;
  readonly onOutcome?: (outcome: Outcome) => void;
  /** Things worth a line in the log that are no outcome. */
  readonly onNotice?: (notice: string) => void;
  readonly machine?: Machine;
  readonly clock?: Clock;
  readonly kinds?: readonly DriverKind[];
  /** Where the state folder is; default: the real file system. */
  readonly disk?: Disk;
}

export class Agent {
  readonly config: Config;
  readonly partition: Partition;
  /** `null` with apply: false: nothing is written, so there is nothing to remember. */
  readonly history: History | null;
  readonly notices: Notices;
  readonly #drivers: readonly Driver[];
  readonly #machine: Machine;
  readonly #online: AgentParts['online'];
  readonly #taken: TakenBlocks | null;

  constructor(parts: AgentParts) {
    this.config = parts.options.config;
    this.partition = parts.partition;
    this.history = parts.history;
    this.notices = parts.notices;
    this.#drivers = parts.drivers;
    this.#machine = parts.machine;
    this.#online = parts.online;
    this.#taken = parts.taken;
  }

  /** What an operator should know of this agent, besides what it does. */
  get warnings(): readonly string[] {
    return warningsOf(this.#machine, this.config, this.partition);
  }

  /** A planned change of the partition's limit or memory. Rejects as Partition.resize does. */
  resize(toBytes: number): Promise<Outcome> {
    return this.partition.resize(toBytes);
  }

  /** The first pass after a start: it repairs what a crash, or a change that nobody saw, has left (E1). */
  firstPass(): Promise<Outcome | null> {
    return this.partition.notifier.repair('start of the agent', { wait: true });
  }

  /** Hands a driver the settings that it had before hotadd first wrote to it (E3). */
  async release(driver: string): Promise<{ driver: string; asBefore: boolean; note: string | null }> {
    const { notifier, registry } = this.partition;
    const member = registry.member(driver);
    if (member === null) {
      const names = registry.members.map(({ name }) => name).join(', ') || 'none';
      throw new HotaddError('HOTADD_BAD_USAGE', `there is no driver "${driver}"`, {
        mend: `configured: ${names}`,
      });
    }
    const found = this.history?.driver(driver)?.foundSettings ?? null;
    if (found === null) {
      return { driver, asBefore: true, note: 'nothing to hand back: hotadd has not written to it since' };
    }
    return notifier.exclusive(async () => {
      const note = await member.shell.handBack(found, new Round(0, 'failure'));
      if (note === null) await this.history?.release(driver);
      return { driver, asBefore: note === null, note };
    });
  }

  async close(): Promise<void> {
    this.#online.onliner?.close();
    await this.partition.close();
    await Promise.all(this.#drivers.map((driver) => driver.close?.().catch(() => undefined)));
    await Promise.all([this.history?.close(), this.#taken?.settled()]);
  }
}

interface AgentParts {
  readonly options: AgentOptions;
  readonly partition: Partition;
  readonly history: History | null;
  readonly taken: TakenBlocks | null;
  readonly notices: Notices;
  readonly drivers: readonly Driver[];
  readonly machine: Machine;
  readonly online: { readonly onliner: Onliner | null };
}

/**
 * Opens the partition with its drivers. With apply: true it holds the lock.
 * @throws HotaddError as openPartition and openHistory do. Nothing is left open then.
 */
export async function openAgent(options: AgentOptions): Promise<Agent> {
  const { config } = options;
  const machine = options.machine ?? machineOs();
  const clock = options.clock ?? clockOs();
  const disk = options.disk ?? diskOs;
  const kept: Kept = { history: null, taken: null };
  const standing = (member: Member, state: DriverState, repair: boolean) =>
    kept.history === null ? null : standingBy(kept.history, config)(member, state, repair);
  const notices = new Notices(standing, (notice) => options.onNotice?.(notice));
  const online: { onliner: Onliner | null } = { onliner: null };
  const kinds = options.kinds ?? DRIVERS;
  const drivers = config.drivers.map((entry) => openDriver(entry, kinds));
  const partition = await openPartition({
    partition: config.partition,
    apply: config.apply,
    program: options.program,
    machine,
    clock,
    lockFolder: config.runFolder,
    onMemory: (memory) => {
      online.onliner?.look(memory);
      notices.memory(memory);
    },
    onLook: (look) => notices.look(look),
    ...(config.online === 'off' ? {} : { online: config.online }),
    ...(config.reserve === null ? {} : { reserve: config.reserve }),
    ...(options.onOutcome === undefined ? {} : { onOutcome: options.onOutcome }),
    journal: () => openJournal(kept, { config, machine, clock, disk }),
  });
  const { history, taken } = kept;
  const agent = new Agent({ options, partition, history, taken, notices, drivers, machine, online });
  try {
    for (const [index, driver] of drivers.entries())
      partition.register(driver, config.drivers[index]?.policy ?? {});
    const { sensor, notifier } = partition;
    // An observer touches nothing: it reports what waits.
    const word = config.apply ? config.online : 'off';
    const isOperating = () => notifier.state === 'operating';
    const say = options.onNotice;
    online.onliner = new Onliner({ machine, clock, sensor, word, taken, isOperating, say });
    if (config.apply) await settleInterrupted(agent, options);
    return agent;
  } catch (error) {
    await agent.close();
    throw error;
  }
}

/** What an agent keeps in its state folder, once it is open. */
interface Kept {
  history: History | null;
  taken: TakenBlocks | null;
}

interface StateFolder {
  readonly config: Config;
  readonly machine: Machine;
  readonly clock: Clock;
  readonly disk: Disk;
}

async function openJournal(kept: Kept, { config, machine, clock, disk }: StateFolder): Promise<Journal> {
  const { apply, stateFolder: folder } = config;
  const boot = readBootId(machine);
  if (!apply) {
    // An observer writes nothing, and takes what the history says now for its plans.
    const remembered = await readHistory(folder, disk).catch(() => null);
    kept.taken = await openTakenBlocks(folder, boot, { observes: true, disk }).catch(() => null);
    return { standing: remembered === null ? () => null : standingBy(remembered, config) };
  }
  await makeOwnFolder(folder, disk);
  // First, since it holds nothing open when what follows fails.
  const taken = await openTakenBlocks(folder, boot, { disk });
  const history = await openHistory({ folder, disk, wallMs: () => clock.wallMs() });
  Object.assign(kept, { history, taken });
  return { recorder: history, standing: standingBy(history, config), blocks: taken };
}

function openDriver(
  { name, kind, options }: Config['drivers'][number],
  kinds: readonly DriverKind[],
): Driver {
  const found = kinds.find((candidate) => candidate.kind === kind);
  if (found === undefined) throw new HotaddError('HOTADD_BAD_CONFIG', `there is no driver of kind "${kind}"`);
  return found.open(name, options);
}

function standingBy(history: Pick<HistoryReading, 'driver'>, config: Config): Journal['standing'] {
  return (member, state, repair) => {
    const onDrift = member.policy.onDrift ?? config.onDrift;
    return standingOf(state, history.driver(member.name), { repair, onDrift });
  };
}

/** After a restart: those who were told start and not how it ended are told now (section 2). */
async function settleInterrupted(agent: Agent, { onNotice }: AgentOptions): Promise<void> {
  const { history, partition } = agent;
  if (history?.setAside)
    onNotice?.(
      `history: ${history.setAside.bytes} bytes of a torn last line are now in ${history.setAside.file}`,
    );
  for (const { line, problem } of history?.broken ?? [])
    onNotice?.(`history: line ${line} cannot be read and is skipped: ${problem}`);
  for (const { change, drivers } of history?.interrupted() ?? []) {
    const usable = partition.memory.usableBytes ?? Number.POSITIVE_INFINITY;
    const phase = usable < change.toBytes + PAGE_MOST_BYTES ? 'complete' : 'failure';
    const told = change.origin === 'planned' && change.kind === 'shrink' ? drivers : [];
    await Promise.all(
      told.map(({ driver }) =>
        partition.registry.member(driver)?.shell.end({ changeId: change.changeId, phase }),
      ),
    );
    await history?.ended(change.changeId).catch((error: unknown) => onNotice?.(messageOf(error)));
    onNotice?.(`change ${change.changeId} (${change.cause}) was interrupted`);
  }
}

function warningsOf(machine: Machine, config: Config, partition: Partition): string[] {
  const warnings = [...partition.sensor.hintsMissing];
  if (config.apply && livesInside(machine, partition)) {
    warnings.push(
      `hotadd runs inside ${partition.identity}, which it manages: what it uses itself counts as unmanaged`,
    );
  }
  return warnings;
}

/** An agent inside the cgroup that it shrinks can be killed by its own work (E8). */
function livesInside(machine: Machine, partition: Partition): boolean {
  const group = partition.sensor.controlGroup;
  if (group === null) return false;
  const own = resolvePartition(machine, parsePartitionName('self')).group;
  return own !== null && pathBelow(group.path, own.path) !== null;
}
