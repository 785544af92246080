// What room there is, and what of it is taken, reckoned beside the product and from the world itself: P1 is
// held to this. It sees what one life of the agent has read, since nobody can plan from more.
import type { DriverState } from '../../src/core/driver.ts';
import type { Machine } from '../../src/core/machine.ts';
import { headroomBytes } from '../../src/core/memory.ts';
import { defaultReserveBytes } from '../../src/core/plan.ts';
import type { StoreSim } from './store-sim.ts';
import type { World } from './world.ts';

/** A plan is sent after its intent is on disk, and after the reads of slow drivers: it may be so old. */
const PLAN_MOST_MS = 5_500;

interface Known {
  costBytes: number;
  heldBytes: number;
  /** Asked, and not read back since. */
  askedBytes: number;
}

export class RoomOracle {
  readonly #world: World;
  readonly #known = new Map<string, Known>();
  readonly #rooms: { readonly atMs: number; readonly bytes: number }[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** A life knows nothing at first. */
  begins(): void {
    this.#known.clear();
    this.#rooms.length = 0;
  }

  /** The machine, as a life reads it: each reading of its memory is noted. */
  watched(machine: Machine): Machine {
    const readText = (path: string) => {
      const text = machine.readText(path);
      if (path === '/proc/meminfo') this.#note();
      return text;
    };
    return Object.assign(Object.create(machine) as Machine, bound(machine), { readText });
  }

  read(store: StoreSim, { costBytes, afterRestartBytes = 0 }: DriverState): void {
    const known = this.#of(store.name);
    known.costBytes = Math.max(costBytes, afterRestartBytes);
    // What the kernel does not say nobody can count.
    const { fails } = this.#world.partition.machine;
    const isTold = fails?.(`/proc/${store.process?.pid}/status`) === undefined;
    known.heldBytes = isTold ? (store.process?.usedBytes ?? 0) : 0;
    if (known.askedBytes < 0) known.askedBytes = 0;
  }

  /** The call has come back: from the next reading on its cost is what it takes. */
  returned(driver: string): void {
    const known = this.#of(driver);
    known.askedBytes = -Math.abs(known.askedBytes);
  }

  /** Its own word that it stays as it is. */
  refused(driver: string): void {
    this.#of(driver).askedBytes = 0;
  }

  asked(driver: string, bytes: number | null) {
    const own = this.#of(driver);
    const grows = bytes !== null && bytes > own.costBytes;
    if (bytes !== null) own.askedBytes = bytes;
    let committedBytes = 0;
    for (const [name, known] of this.#known) committedBytes += this.#committed(name, known);
    return { grows, committedBytes, roomBytes: this.#roomBytes() };
  }

  /** What has become less since it was read takes no room, and what has become more nobody could know. */
  #committed(name: string, { costBytes, heldBytes, askedBytes }: Known): number {
    const store = this.#world.stores.find((each) => each.name === name);
    const isAlive = store?.process?.alive === true;
    const cost = isAlive ? Math.min(costBytes, store.afterRestartBytes) : costBytes;
    const held = isAlive ? Math.min(heldBytes, store.process?.usedBytes ?? 0) : heldBytes;
    return Math.max(cost, held, Math.abs(askedBytes));
  }

  #of(driver: string): Known {
    const known = this.#known.get(driver) ?? { costBytes: 0, heldBytes: 0, askedBytes: 0 };
    this.#known.set(driver, known);
    return known;
  }

  #note(): void {
    const atMs = this.#world.nowMs;
    while ((this.#rooms[0]?.atMs ?? atMs) < atMs - PLAN_MOST_MS) this.#rooms.shift();
    this.#rooms.push({ atMs, bytes: this.#roomNow() });
  }

  #roomBytes(): number {
    return this.#rooms.reduce((most, { bytes }) => Math.max(most, bytes), 0);
  }

  #roomNow(): number {
    const { partition, scenario, stores } = this.#world;
    const { software, cpus, memory } = partition.machine;
    const held = stores.reduce((sum, { process }) => sum + (process?.usedBytes ?? 0), 0);
    const levels = [{ limitBytes: memory.onlineBytes, usedBytes: software.usedBytes }];
    if (scenario.partition === 'cgroup') {
      for (const { maxBytes, usedBytes } of software.cgroups.values())
        if (maxBytes !== 'max') levels.push({ limitBytes: maxBytes, usedBytes });
    }
    const usable = Math.min(...levels.map(({ limitBytes }) => limitBytes));
    const reserve = scenario.reserveBytes ?? defaultReserveBytes(usable);
    const rooms = levels.map(({ limitBytes, usedBytes }) => {
      const aside = Math.max(reserve, usedBytes - held);
      return limitBytes - headroomBytes(limitBytes, cpus) - aside;
    });
    return Math.max(0, Math.min(...rooms));
  }
}

/** The methods of a machine that is a class, as plain ones. */
function bound(machine: Machine): Partial<Machine> {
  const { list, inode, writeText, writeTextSlowly, watch, uevents, lock, totalMemoryBytes } = machine;
  const methods = { list, inode, writeText, writeTextSlowly, watch, uevents, lock, totalMemoryBytes };
  for (const [name, method] of Object.entries(methods))
    Object.assign(methods, { [name]: (method as (...given: never[]) => unknown).bind(machine) });
  return { ...methods, cpus: machine.cpus };
}
