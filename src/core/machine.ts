// The seam for the machine: the files of the kernel and the hints it gives. Everything that senses is
// handed one. The host's twin is MachineOs (host/), the simulated one is MachineSim (testing/).
import type { Holder, Lock, LockRequest } from './lock.ts';

export interface Machine {
  /** The whole text of a file. Throws an error with the kernel's `code` (ENOENT, EACCES, ENODEV, ...). */
  readText(path: string): string;
  /** The names in a folder, unsorted. Throws like `readText`. */
  list(path: string): string[];
  /**
   * The same names, read as they are asked for: a folder of tens of thousands (memory blocks) must not hold
   * the loop. A machine that has none of that size leaves it out. Throws like `readText`, while it is walked
   * too.
   */
  walk?(path: string): Iterable<string>;
  /**
   * The inode number of a file or folder: tells a re-created cgroup from the one before. Throws like
   * `readText`.
   */
  inode(path: string): number;
  /** Writes a control file whole, in one write. Throws the kernel's refusal (EBUSY, EINVAL, EACCES, ...). */
  writeText(path: string, text: string): void;
  /**
   * The same beside the loop, for a write that the kernel works on for seconds before it returns (memory that
   * is moved or reclaimed). Nothing ends it early. Rejects like `writeText` throws.
   */
  writeTextSlowly(path: string, text: string): Promise<void>;
  /**
   * Throws the kernel's refusal (EROFS, EACCES, ...) when a file may not be written, without writing it. A
   * machine that cannot tell leaves it out.
   */
  mayWrite?(path: string): void;
  /**
   * Calls `onHint` when a file may have changed. A hint only wakes: the caller reads again. Never throws: no
   * hint is no harm.
   */
  watch(path: string, onHint: () => void): () => void;
  /**
   * Calls back for each kernel uevent of subsystem `memory` or `node`, and once when events may have been
   * lost.
   * @returns a function that closes it, or the reason why this machine has no uevents to give.
   */
  uevents(onUevent: (uevent: Uevent) => void, onLost: () => void): (() => void) | { unavailable: string };
  /**
   * Takes a partition for this process, or says who has it (E6). Rejects with HOTADD_UNSUPPORTED where there
   * is no way to lock.
   * @param identity the partition's: `machine:<machine-id>`, `cgroup:<path>@<inode>`, `unit:<name>`.
   */
  lock(identity: string, request?: LockRequest): Promise<Lock | { readonly heldBy: Holder }>;
  /** Memory of the machine by the runtime's own word, for systems without /proc (S9). */
  totalMemoryBytes(): number;
  /** Number of CPUs in use; part of the headroom (P3). */
  readonly cpus: number;
  /** Lets go of files that it holds open, for whoever has opened the machine; it can still be read. */
  close?(): void;
}

/** One kernel uevent: `online@/devices/system/memory/memory32`. */
export interface Uevent {
  readonly action: string;
  readonly path: string;
  readonly subsystem: string;
}
