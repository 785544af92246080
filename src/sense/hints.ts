// Hints (S3): they only wake, and the truth is read again. inotify on the limit files of every visible level,
// on memory.events and on the parent folder (a removal shows only there); uevents for memory blocks and
// nodes. What gives no hint (balloon, virtio-mem inside a block, hidden ancestors) is found by the poll,
// which is always on.
import { type ControlGroup, CONTROL_FILES as FILES } from '../core/control-group.ts';
import type { Machine } from '../core/machine.ts';

export class Hints {
  readonly #machine: Machine;
  readonly #files: readonly string[];
  readonly #callbacks = new Set<() => void>();
  #stopWatching: (() => void)[] = [];

  constructor(machine: Machine, files: readonly string[]) {
    this.#machine = machine;
    this.#files = files;
  }

  /** Watches while anybody listens. */
  add(callback: () => void): () => void {
    // A set of its own, so that one callback added twice is heard twice and removed once.
    const own = () => callback();
    this.#callbacks.add(own);
    if (this.#callbacks.size === 1) {
      this.#stopWatching = this.#files.map((file) => this.#machine.watch(file, () => this.emit()));
    }
    return () => {
      if (this.#callbacks.delete(own) && this.#callbacks.size === 0) this.#stop();
    };
  }

  emit(): void {
    for (const callback of [...this.#callbacks]) callback();
  }

  close(): void {
    this.#callbacks.clear();
    this.#stop();
  }

  #stop(): void {
    for (const stop of this.#stopWatching) stop();
    this.#stopWatching = [];
  }
}

/**
 * @param limitFiles those of the own and every visible level above. @returns the files to watch, each once.
 */
export function filesToWatch(group: ControlGroup | null, limitFiles: readonly string[]): string[] {
  if (group === null) return [];
  const files = new Set(limitFiles);
  if (group.version === 2) files.add(`${group.folder}/${FILES.events}`);
  const parent = group.folder.slice(0, group.folder.lastIndexOf('/'));
  if (parent !== '') files.add(parent);
  return [...files];
}
