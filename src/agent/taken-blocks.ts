// Which memory blocks a planned change took offline, in a file: an agent that starts again must not take them
// for memory that was added, and bring them online (decision 0010). The numbers hold for one boot only.
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HotaddError, messageOf } from '../core/errors.ts';
import type { BlocksRecord } from '../operations/memory-blocks.ts';
import { readSafeFile } from './safe-file.ts';

export const TAKEN_BLOCKS_FILE = 'taken-blocks.json';
/** 32,768 numbers of five digits. */
const MAX_BYTES = 512 * 1024;

export class TakenBlocks implements BlocksRecord {
  readonly #path: string;
  readonly #bootId: string | null;
  readonly #blocks: Set<number>;

  constructor(path: string, bootId: string | null, blocks: readonly number[]) {
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

  /** Its module was removed: what appears in its place is another. The file follows at its next writing. */
  forget(block: number): void {
    this.#blocks.delete(block);
  }

  /** Replaced whole: a crash leaves the old or the new one. After a power cut another boot begins. */
  async #save(): Promise<void> {
    const text = JSON.stringify({ v: 1, bootId: this.#bootId, blocks: this.blocks });
    await writeFile(`${this.#path}.new`, `${text}\n`, { mode: 0o600 });
    await rename(`${this.#path}.new`, this.#path);
  }
}

/**
 * Reads what this boot's planned changes took; nothing is remembered of another boot.
 * @throws HotaddError HOTADD_UNSAFE_FILE; HOTADD_HISTORY when the file cannot be read or understood.
 */
export async function openTakenBlocks(folder: string, bootId: string | null): Promise<TakenBlocks> {
  const path = join(folder, TAKEN_BLOCKS_FILE);
  const stored = await readStored(path);
  const same = bootId !== null && stored?.bootId === bootId;
  return new TakenBlocks(path, bootId, same ? stored.blocks : []);
}

async function readStored(path: string): Promise<{ bootId: string | null; blocks: number[] } | null> {
  const missing = 'there is no such file';
  try {
    const bytes = await readSafeFile(path, { maxBytes: MAX_BYTES, code: 'HOTADD_HISTORY', missing });
    return parseStored(new TextDecoder().decode(bytes), path);
  } catch (thrown) {
    if (thrown instanceof HotaddError && thrown.mend === missing) return null;
    throw thrown;
  }
}

function parseStored(text: string, path: string): { bootId: string | null; blocks: number[] } {
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
