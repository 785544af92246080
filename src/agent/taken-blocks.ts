// Which memory blocks a planned change took offline, in a file: an agent that starts again must not take them
// for memory that was added, and bring them online (decision 0010). The numbers hold for one boot only.
import { join } from 'node:path';
import { HotaddError, messageOf } from '../core/errors.ts';
import type { BlocksRecord } from '../operations/memory-blocks.ts';
import { type Disk, diskOs } from './disk.ts';
import { readSafeFile } from './safe-file.ts';

export const TAKEN_BLOCKS_FILE = 'taken-blocks.json';
/** 32,768 numbers of five digits. */
const MAX_BYTES = 512 * 1024;

export class TakenBlocks implements BlocksRecord {
  readonly #disk: Disk;
  /** `null`: nothing is written. */
  readonly #path: string | null;
  readonly #bootId: string | null;
  readonly #blocks: Set<number>;
  #saved: Promise<void> = Promise.resolve();

  constructor(path: string | null, bootId: string | null, blocks: readonly number[], disk: Disk = diskOs) {
    this.#disk = disk;
    this.#path = path;
    this.#bootId = bootId;
    this.#blocks = new Set(blocks);
  }

  get blocks(): readonly number[] {
    return [...this.#blocks];
  }

  has(block: number): boolean {
    return this.#blocks.has(block);
  }

  async took(block: number): Promise<void> {
    this.#blocks.add(block);
    try {
      await this.#save();
    } catch (thrown) {
      this.#blocks.delete(block);
      throw thrown;
    }
  }

  async gave(block: number): Promise<void> {
    if (this.#blocks.delete(block)) await this.#save();
  }

  /** Their modules were removed: what appears in their place is another. Never rejects. */
  async forget(blocks: readonly number[]): Promise<void> {
    for (const block of blocks) this.#blocks.delete(block);
    // Where it cannot be written, the next writing tells the same.
    await this.#save().catch(() => undefined);
  }

  /** Resolves when nothing is being written any more. */
  async settled(): Promise<void> {
    await this.#saved;
  }

  /** One writing after the other: they share the name of the new file. */
  #save(): Promise<void> {
    const saved = this.#saved.then(() => this.#write());
    this.#saved = saved.catch(() => undefined);
    return saved;
  }

  /** Replaced whole, once it is on disk: a crash or a power cut leaves the old or the new one. */
  async #write(): Promise<void> {
    if (this.#path === null) return;
    const text = JSON.stringify({ v: 1, bootId: this.#bootId, blocks: this.blocks });
    await this.#disk.writeFile(`${this.#path}.new`, `${text}\n`, { mode: 0o600, flush: true });
    await this.#disk.rename(`${this.#path}.new`, this.#path);
  }
}

/**
 * Reads what this boot's planned changes took; nothing is remembered of another boot.
 * @param options.observes true: nothing is ever written.
 * @throws HotaddError HOTADD_UNSAFE_FILE; HOTADD_HISTORY when the file cannot be read or understood.
 */
export async function openTakenBlocks(
  folder: string,
  bootId: string | null,
  { observes = false, disk = diskOs }: { observes?: boolean; disk?: Disk } = {},
): Promise<TakenBlocks> {
  const path = join(folder, TAKEN_BLOCKS_FILE);
  const stored = await readStored(path, disk);
  const same = bootId !== null && stored?.bootId === bootId;
  return new TakenBlocks(observes ? null : path, bootId, same ? stored.blocks : [], disk);
}

async function readStored(
  path: string,
  disk: Disk,
): Promise<{ bootId: string | null; blocks: number[] } | null> {
  const missing = 'there is no such file';
  try {
    const bytes = await readSafeFile(path, { maxBytes: MAX_BYTES, code: 'HOTADD_HISTORY', missing }, disk);
    return parseStored(new TextDecoder().decode(bytes), path);
  } catch (thrown) {
    if (thrown instanceof HotaddError && thrown.mend === missing) return null;
    throw thrown;
  }
}

function parseStored(text: string, path: string): { bootId: string | null; blocks: number[] } {
  // A power cut can leave a file of no bytes, or of zeros: what was in it was of another boot.
  if (/^[\0\s]*$/.test(text)) return { bootId: null, blocks: [] };
  let problem = 'is not a list of memory blocks';
  try {
    const stored = JSON.parse(text) as Partial<Record<'v' | 'bootId' | 'blocks', unknown>> | null;
    const { v, bootId = null, blocks } = stored ?? {};
    const numbers = Array.isArray(blocks) && blocks.every((block) => Number.isSafeInteger(block));
    if (v === 1 && numbers) return { bootId: typeof bootId === 'string' ? bootId : null, blocks };
    if (v !== 1) problem = `has version ${String(v)}, and this hotadd knows 1`;
  } catch (thrown) {
    problem = messageOf(thrown);
  }
  throw new HotaddError('HOTADD_HISTORY', problem, {
    place: path,
    mend: 'remove the file; blocks that a planned change took then look as if they had been added',
  });
}
