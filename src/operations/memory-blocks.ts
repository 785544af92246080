// The operation of a planned change on a machine: memory blocks go offline or come online, whole blocks only.
//
//   shrink  target rounded down to whole blocks -> [ room? -> offline -> read back ] per block, Movable first
//   grow    [ online -> read back ] per block that was added and is not online, lowest first
//
// Where pages have nowhere to go the kernel does not refuse: its OOM killer kills. So real use is read again
// before each block (F2). What was reached is what is reported; nothing is undone.
import { formatBytes } from '../core/bytes.ts';
import { type Clock, pause } from '../core/clock.ts';
import { HotaddError, messageOf } from '../core/errors.ts';
import type { Machine } from '../core/machine.ts';
import type { Operation, OperationRequest, Reachable } from '../core/operation.ts';
import { offlineCandidates } from './block-candidates.ts';
import {
  BLOCKS_FOLDER,
  type OnlineWord,
  type RefusedBlock,
  readPolicy,
  sayRefused,
  setBlockState,
} from './block-state.ts';
import { kernelRefusal } from './kernel-refusal.ts';

/** Under emulation a GiB of blocks takes some seconds, and one that is full takes seconds by itself. */
const BLOCKS_DEADLINE_MS = 60_000;
/**
 * How long after the deadline the last block is waited for. Where pages cannot be moved the kernel tries for
 * as long as nobody interrupts it. Source: memory-hotplug.rst, "Offlining Memory Blocks".
 */
const LAST_BLOCK_MS = 30_000;

/** Amounts are printed with three digits: what is typed back is meant to be what was read. */
const AS_PRINTED = 0.005;

export interface BlockList {
  readonly sizeBytes: number;
  /** Block numbers, ascending. */
  readonly online: readonly number[];
  readonly offline: readonly number[];
}

/** Remembers which blocks a planned change took, so that nobody takes them for added memory. */
export interface BlocksRecord {
  /** Before the block goes offline. A rejection means that it stays. */
  took(block: number): Promise<void>;
  /** It is online again, or has never gone. */
  gave(block: number): Promise<void>;
}

export interface MemoryBlocksOptions {
  readonly machine: Machine;
  readonly clock: Clock;
  readonly record: BlocksRecord;
  /** `null`: as the kernel does by itself, or `online` where it does nothing. */
  readonly onlineWord: OnlineWord | null;
  /** All blocks, read again; `null`: the machine has none. */
  readBlocks(): Promise<BlockList | null>;
  /** MemTotal now. Throws when it cannot be read. */
  readTotalBytes(): number;
  /** Real use of the machine now (F0); `null`: could not be read. */
  readUsedBytes(): number | null;
}

export function memoryBlocksOperation(options: MemoryBlocksOptions): Operation {
  return {
    name: 'MemTotal',
    deadlineMs: BLOCKS_DEADLINE_MS,
    read: options.readTotalBytes,
    reachable: (askedBytes) => new BlocksChange(options).reachable(askedBytes),
    operate: async (toBytes, request) => {
      const change = new BlocksChange(options);
      const { expectBytes } = request;
      const shrinks = expectBytes === 'max' || toBytes < expectBytes;
      const note = await (shrinks ? change.shrink(toBytes, request) : change.grow(toBytes, request));
      // Without uevents nobody else tells the readings of it.
      await options.readBlocks();
      return { note };
    },
  };
}

/** One run of the operation: what moved, what did not, and why it ended. */
class BlocksChange {
  readonly #options: MemoryBlocksOptions;
  readonly #refused: RefusedBlock[] = [];
  #moved = 0;
  /** On the monotonic clock: no block is begun after it. */
  #untilMs = 0;
  /** Why it ended before its time. */
  #stopped: string | null = null;

  constructor(options: MemoryBlocksOptions) {
    this.#options = options;
  }

  async reachable(askedBytes: number): Promise<Reachable> {
    const blocks = await this.#needBlocks();
    const totalBytes = this.#options.readTotalBytes();
    const { sizeBytes } = blocks;
    const shrinks = askedBytes < totalBytes;
    const count = shrinks
      ? -Math.max(0, Math.ceil((totalBytes - askedBytes - askedBytes * AS_PRINTED) / sizeBytes))
      : Math.floor((askedBytes - totalBytes) / sizeBytes);
    const toBytes = totalBytes + count * sizeBytes;
    if (count < 0) await this.#needCandidates(blocks, -count, totalBytes);
    if (count > 0) this.#needOffline(blocks, totalBytes);
    if (toBytes === askedBytes) return { toBytes, note: null };
    const whole = `whole memory blocks of ${formatBytes(sizeBytes)}`;
    return {
      toBytes,
      note: `${formatBytes(askedBytes)} was asked, and ${whole} give ${formatBytes(toBytes)}`,
    };
  }

  async shrink(toBytes: number, request: OperationRequest): Promise<string | null> {
    const { machine, clock, readTotalBytes } = this.#options;
    const targetBytes = Math.max(toBytes, request.askedBytes);
    const { sizeBytes, online } = await this.#needBlocks();
    this.#untilMs = clock.monotonicMs() + request.deadlineMs;
    for (const block of await offlineCandidates(machine, clock, online)) {
      const totalBytes = readTotalBytes();
      if (totalBytes <= targetBytes) break;
      this.#stopped = this.#mustStop(request) ?? this.#noRoom(totalBytes - sizeBytes, request);
      if (this.#stopped !== null) break;
      await this.#step(block, 'offline', request);
      if (this.#stopped !== null) break;
      await pause(clock, 0);
    }
    return this.#ended('online', readTotalBytes() > targetBytes);
  }

  async grow(toBytes: number, request: OperationRequest): Promise<string | null> {
    const { machine, clock, readTotalBytes } = this.#options;
    const onlineWord = this.#options.onlineWord ?? readPolicy(machine) ?? 'online';
    const { sizeBytes, offline } = await this.#needBlocks();
    this.#untilMs = clock.monotonicMs() + request.deadlineMs;
    for (const block of offline) {
      if (readTotalBytes() + sizeBytes > request.askedBytes) break;
      this.#stopped = this.#mustStop(request);
      if (this.#stopped !== null) break;
      await this.#step(block, onlineWord, request);
      if (this.#stopped !== null) break;
      await pause(clock, 0);
    }
    const short = readTotalBytes() < toBytes;
    if (short && offline.length === this.#moved)
      this.#stopped = 'no more added memory waits to be brought online';
    return this.#ended('offline', short);
  }

  /** One block. A missing right is the same for all blocks, and so is a record that cannot be written. */
  async #step(block: number, word: OnlineWord | 'offline', request: OperationRequest): Promise<void> {
    const { machine, clock, record } = this.#options;
    try {
      if (word === 'offline') await record.took(block);
    } catch (thrown) {
      this.#stopped = `what is taken offline cannot be remembered: ${messageOf(thrown)}`;
      return;
    }
    const moving = setBlockState(machine, block, word);
    const mostMs = this.#untilMs + LAST_BLOCK_MS - clock.monotonicMs();
    const refused = await unlessGivenUp(moving, { clock, mostMs, signal: request.signal });
    if (refused === 'given up') {
      // It may still move, so what the drivers have given back is not handed to them again.
      this.#moved += 1;
      const why = this.#mustStop(request) ?? 'stopped';
      this.#stopped = `${why}, and memory block ${block} is still on its way ${word}`;
      void moving.then((late) => this.#noteGiven(block, word, late));
      return;
    }
    if (refused === null) this.#moved += 1;
    else if (refused.error.code === 'HOTADD_MISSING_RIGHT') this.#stopped = refused.error.message;
    else if (refused.error.code !== 'HOTADD_GONE') this.#refused.push(refused);
    await this.#noteGiven(block, word, refused);
  }

  /** What is online was not taken, or is given back. */
  async #noteGiven(block: number, word: OnlineWord | 'offline', refused: RefusedBlock | null): Promise<void> {
    const isOnline = (word === 'offline') === (refused !== null);
    if (isOnline) await this.#options.record.gave(block).catch(() => undefined);
  }

  #mustStop({ signal, deadlineMs }: OperationRequest): string | null {
    if (signal.aborted) return 'stopped: hotadd is closing';
    const late = this.#options.clock.monotonicMs() >= this.#untilMs;
    return late ? `stopped after ${deadlineMs / 1_000} s` : null;
  }

  /** F2 for what would remain. */
  #noRoom(leftBytes: number, { headroomBytes }: OperationRequest): string | null {
    const used = this.#options.readUsedBytes();
    if (used === null) return 'stopped: real use cannot be read';
    if (used + headroomBytes <= leftBytes) return null;
    const needs = `${formatBytes(used)} in use and ${formatBytes(headroomBytes)} to keep free`;
    return `stopped: ${needs} do not fit ${formatBytes(leftBytes)}`;
  }

  #ended(stays: 'online' | 'offline', short: boolean): string | null {
    const why = [this.#stopped, sayRefused(this.#refused, stays)].filter((reason) => reason !== null);
    if (this.#moved > 0 || !short) return why.join('; ') || null;
    const problem = why.join('; ') || `no memory block could be taken from ${stays}`;
    throw new HotaddError('HOTADD_OPERATION', `no memory block moved: ${problem}`);
  }

  async #needBlocks(): Promise<BlockList> {
    const blocks = await this.#options.readBlocks();
    if (blocks !== null) return blocks;
    throw new HotaddError(
      'HOTADD_UNSUPPORTED',
      'this machine has no memory blocks to bring online or offline',
      {
        place: BLOCKS_FOLDER,
        mend: 'name a cgroup, whose limit can be written: cgroup:/path, pid:N or unit:NAME',
      },
    );
  }

  async #needCandidates({ sizeBytes, online }: BlockList, count: number, totalBytes: number): Promise<void> {
    const { machine, clock } = this.#options;
    const candidates = await offlineCandidates(machine, clock, online);
    const most = Math.min(candidates.length, Math.floor((totalBytes - 1) / sizeBytes));
    if (count > most) {
      const least = formatBytes(totalBytes - most * sizeBytes);
      throw new HotaddError(
        'HOTADD_UNSUPPORTED',
        `${count} memory blocks of ${formatBytes(sizeBytes)} would have to go offline, and ${most} can`,
        { mend: `${least} is the least that this machine can be asked for` },
      );
    }
    this.#mayWrite(candidates[0]);
  }

  #needOffline({ offline }: BlockList, totalBytes: number): void {
    if (offline.length === 0) {
      throw new HotaddError(
        'HOTADD_UNSUPPORTED',
        `${formatBytes(totalBytes)} is online, and no added memory is waiting to be brought online`,
        { mend: 'add a memory module, or have the platform give more' },
      );
    }
    this.#mayWrite(offline[0]);
  }

  /** Before anybody gives anything up: what cannot be written at all. */
  #mayWrite(block: number | undefined): void {
    const file = `${BLOCKS_FOLDER}/memory${block}/state`;
    try {
      this.#options.machine.mayWrite?.(file);
    } catch (thrown) {
      throw kernelRefusal(thrown, file);
    }
  }
}

/** Leaves no listener and no timer behind: a change has thousands of blocks, and one signal. */
function unlessGivenUp<Result>(
  work: Promise<Result>,
  { clock, mostMs, signal }: { clock: Clock; mostMs: number; signal: AbortSignal },
): Promise<Result | 'given up'> {
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      forget();
      resolve('given up');
    };
    const cancel = clock.after(signal.aborted ? 0 : mostMs, giveUp);
    const forget = () => {
      cancel();
      signal.removeEventListener('abort', giveUp);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    work.finally(forget).then(resolve, reject);
  });
}
