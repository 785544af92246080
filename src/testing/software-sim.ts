// Software that runs in a simulated partition: processes that use memory, in cgroups that limit it, and the
// kernel that kills the largest of them when there is none left. Nothing here is page cache: what is used
// cannot be given back but by whoever uses it.

/** One process. What it uses is its RSS; nothing is swapped. */
export interface ProcessSim {
  /** As it was started. */
  readonly name: string;
  /** Opened as `pid:N`. */
  readonly pid: number;
  /** Seconds after boot, times 100: tells it from a later process of the same number. */
  readonly startTicks: number;
  /** The path of the cgroup that it is in. */
  readonly cgroup: string;
  /** What it uses now. */
  readonly usedBytes: number;
  /** False: it has ended, or was killed. */
  readonly alive: boolean;
  /**
   * Comes to use so many bytes. Where they are not there the kernel kills the largest process, which may be
   * this one.
   */
  use(bytes: number): void;
  /** Ends by itself. */
  end(): void;
}

/** A kill by the kernel, for want of memory. */
export interface KillSim {
  /** Who was killed. */
  readonly process: ProcessSim;
  /** What it used until then. */
  readonly bytes: number;
  /** `machine`, or the cgroup whose limit was reached. */
  readonly level: string;
  /** What led to it: memory that was taken by a process, or taken away. */
  readonly cause: 'use' | 'less memory';
}

/** A cgroup of a partition. */
export interface ControlGroupSim {
  /** Its path below the mount. */
  readonly path: string;
  /** Setting it is writing its file: what does not fit is killed, and whoever watches the file is told. */
  maxBytes: number | 'max';
  /** The limit at which its processes are slowed down; setting it is writing its file. */
  highBytes: number | 'max';
  /** What its processes and those of the cgroups below use. */
  readonly usedBytes: number;
  /** Processes killed in it and in the cgroups below, whoever was short of memory. */
  readonly kills: number;
}

/** A limit of a cgroup: its file is `memory.max` or `memory.high`. */
export type LimitSim = 'maxBytes' | 'highBytes';

export interface SoftwareSimSeams {
  onlineBytes(): number;
  /** In use beside the processes. */
  otherBytes(): number;
  monotonicMs(): number;
}

const FIRST_PID = 100;

export class SoftwareSim {
  readonly processes = new Map<number, Process>();
  readonly cgroups = new Map<string, ControlGroup>();
  /** Kills since boot. */
  kills = 0;
  onKill: ((kill: KillSim) => void) | null = null;
  /** Called after more or less is used than before. */
  onMoved: (() => void) | null = null;
  /** Of the machine, which keeps their files. */
  onProcess: ((process: ProcessSim) => void) | null = null;
  onProcessEnd: ((process: ProcessSim) => void) | null = null;
  onCgroup: ((group: ControlGroupSim) => void) | null = null;
  onCgroupEnd: ((group: ControlGroupSim) => void) | null = null;
  onLimit: ((group: ControlGroupSim, limit: LimitSim) => void) | null = null;
  readonly #seams: SoftwareSimSeams;
  #pids = FIRST_PID;
  #usedBytes = 0;

  constructor(seams: SoftwareSimSeams) {
    this.#seams = seams;
  }

  /** What all processes and the rest use. */
  get usedBytes(): number {
    return this.#usedBytes + this.#seams.otherBytes();
  }

  run(name: string, cgroup: string): ProcessSim {
    this.#pids += 1;
    const ticks = Math.floor(this.#seams.monotonicMs() / 10);
    const process = new Process({ name, pid: this.#pids, startTicks: ticks, cgroup, software: this });
    this.processes.set(process.pid, process);
    this.onProcess?.(process);
    return process;
  }

  /** Makes a cgroup, with a limit; of one that is there already it sets the limit. */
  cgroup(path: string, maxBytes: number | 'max'): ControlGroup {
    const group = this.cgroups.get(path) ?? this.#makeCgroup(path);
    group.maxBytes = maxBytes;
    return group;
  }

  #makeCgroup(path: string): ControlGroup {
    const group = new ControlGroup(path, this);
    for (const { cgroup, usedBytes } of this.processes.values())
      if (isBelow(cgroup, path)) group.usedBytes += usedBytes;
    this.cgroups.set(path, group);
    this.onCgroup?.(group);
    return group;
  }

  /** Takes a cgroup away, with what ran in it. */
  removeCgroup(path: string): void {
    const group = this.cgroups.get(path);
    if (group === undefined) return;
    for (const process of [...this.processes.values()]) if (isBelow(process.cgroup, path)) process.end();
    for (const below of [...this.cgroups.values()]) {
      if (!isBelow(below.path, path)) continue;
      this.cgroups.delete(below.path);
      this.onCgroupEnd?.(below);
    }
  }

  /** Of a process that has ended. */
  forget(process: Process): void {
    this.processes.delete(process.pid);
    this.onProcessEnd?.(process);
  }

  /** Memory, or a limit, has become less: whoever does not fit is killed. */
  pressed(cause: KillSim['cause'] = 'less memory'): void {
    for (const group of this.cgroups.values()) {
      while (group.maxBytes !== 'max' && group.usedBytes > group.maxBytes) {
        if (!this.#killLargest(group.path, cause)) break;
      }
    }
    while (this.usedBytes > this.#seams.onlineBytes()) if (!this.#killLargest('machine', cause)) break;
  }

  /** More or less is in use beside the processes. */
  othersMoved(): void {
    this.pressed('use');
    this.onMoved?.();
  }

  /** A process moves by so many bytes. */
  charge(process: Process, bytes: number): void {
    this.#usedBytes += bytes;
    for (const [path, group] of this.cgroups) if (isBelow(process.cgroup, path)) group.usedBytes += bytes;
    if (bytes > 0) this.pressed('use');
    this.onMoved?.();
  }

  #killLargest(level: string, cause: KillSim['cause']): boolean {
    let largest: Process | null = null;
    for (const process of this.processes.values()) {
      if (level !== 'machine' && !isBelow(process.cgroup, level)) continue;
      if (process.usedBytes > (largest?.usedBytes ?? 0)) largest = process;
    }
    if (largest === null) return false;
    this.kills += 1;
    // As memory.events: a kill counts where the process was and at each level above.
    for (const [path, group] of this.cgroups) if (isBelow(largest.cgroup, path)) group.kills += 1;
    const bytes = largest.usedBytes;
    largest.end();
    this.onKill?.({ process: largest, bytes, level, cause });
    return true;
  }
}

class ControlGroup implements ControlGroupSim {
  readonly path: string;
  usedBytes = 0;
  kills = 0;
  readonly #software: SoftwareSim;
  readonly #limits: Record<LimitSim, number | 'max'> = { maxBytes: 'max', highBytes: 'max' };

  constructor(path: string, software: SoftwareSim) {
    this.path = path;
    this.#software = software;
  }

  get maxBytes(): number | 'max' {
    return this.#limits.maxBytes;
  }

  set maxBytes(bytes: number | 'max') {
    this.#set('maxBytes', bytes);
  }

  get highBytes(): number | 'max' {
    return this.#limits.highBytes;
  }

  set highBytes(bytes: number | 'max') {
    this.#set('highBytes', bytes);
  }

  #set(limit: LimitSim, bytes: number | 'max'): void {
    this.#limits[limit] = bytes;
    if (limit === 'maxBytes') this.#software.pressed();
    this.#software.onLimit?.(this, limit);
  }
}

interface ProcessParts {
  readonly name: string;
  readonly pid: number;
  readonly startTicks: number;
  readonly cgroup: string;
  readonly software: SoftwareSim;
}

class Process implements ProcessSim {
  readonly name: string;
  readonly pid: number;
  readonly startTicks: number;
  readonly cgroup: string;
  usedBytes = 0;
  alive = true;
  readonly #software: SoftwareSim;

  constructor({ name, pid, startTicks, cgroup, software }: ProcessParts) {
    this.name = name;
    this.pid = pid;
    this.startTicks = startTicks;
    this.cgroup = cgroup;
    this.#software = software;
  }

  use(bytes: number): void {
    if (!this.alive) return;
    const more = bytes - this.usedBytes;
    this.usedBytes = bytes;
    this.#software.charge(this, more);
  }

  end(): void {
    if (!this.alive) return;
    this.alive = false;
    const bytes = this.usedBytes;
    this.usedBytes = 0;
    this.#software.forget(this);
    this.#software.charge(this, -bytes);
  }
}

/** Whether a cgroup is another one, or below it. */
function isBelow(path: string, above: string): boolean {
  return path === above || path.startsWith(above === '/' ? '/' : `${above}/`);
}
