// A server in a real cgroup, under load from another process, while the limit goes up and down by planned
// changes. The library in the server holds the partition, so it is the server that carries them out (E6):
// told to by a word on its standard input, as by an author's own door for operators.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MiB } from '../src/core/bytes.ts';
import { Contender, pause } from './contender.ts';
import type { LagFigures } from './lag.ts';

export interface ServerFigures {
  readonly hits: number;
  readonly misses: number;
  readonly wrong: number;
  readonly mostSending: number;
  readonly lag: LagFigures;
  /** Resident before the first request, without what the cache held. */
  readonly coldBytes: number;
  readonly rssBytes: number;
  readonly heldBytes: number;
  readonly sizeBytes: number;
}

export interface LoadFigures {
  readonly served: number;
  readonly failed: number;
  readonly notBegun: number;
  readonly bytes: number;
  readonly slowestMs: number;
  readonly why: string;
}

/** What the kernel has counted: how often the limit was reached, and how often it killed. */
export interface KernelCounts {
  readonly limitHits: number;
  readonly kills: number;
}

export interface PlannedChange {
  readonly toBytes: number;
  readonly result: string;
  readonly reason: string | null;
  readonly tookMs: number;
  readonly servedMeanwhile: number;
  /** When the change is over, and after the load has gone on for a while. */
  readonly atOnce: ServerFigures;
  readonly later: ServerFigures;
  readonly kernel: KernelCounts;
  /** Of the last second of the while. */
  readonly hitRate: number;
}

/** Resident memory beside the cache, cold, and what the cache says: what this differs from RSS, of RSS. */
export function accountingError({ rssBytes, coldBytes, heldBytes }: ServerFigures): number {
  return Math.abs(rssBytes - coldBytes - heldBytes) / heldBytes;
}

const contenders = fileURLToPath(new URL('contenders/', import.meta.url));

/** In the cgroup from its first instruction: the process puts itself in. */
export function startInside(
  folder: string,
  name: string,
  program: string,
  args: readonly string[],
): Contender {
  const enter = `echo $$ > '${folder}/cgroup.procs' && exec "$@"`;
  return new Contender(name, 'sh', ['-c', enter, 'enter', process.execPath, contenders + program, ...args]);
}

export function kernelCounts(folder: string): KernelCounts {
  const read = (name: string) => readFileSync(`${folder}/${name}`, 'utf8');
  if (existsSync(`${folder}/memory.events`)) {
    const events = read('memory.events');
    return {
      limitHits: Number(/^max (\d+)/m.exec(events)?.[1]),
      kills: Number(/^oom_kill (\d+)/m.exec(events)?.[1]),
    };
  }
  const kills = Number(/^oom_kill (\d+)/m.exec(read('memory.oom_control'))?.[1]);
  return { limitHits: Number(read('memory.failcnt')), kills };
}

async function ask<Figures>(contender: Contender, word: string): Promise<Figures> {
  contender.say(word);
  return JSON.parse(await contender.line()) as Figures;
}

export const look = (server: Contender) => ask<ServerFigures>(server, 'look');
export const lookAtLoad = (load: Contender) => ask<LoadFigures>(load, 'look');

/** A server, ready for requests, and the load on it, begun. */
export interface Running {
  readonly server: Contender;
  readonly load: Contender;
  stop(): Promise<void>;
}

export async function startLoaded(
  folder: string,
  {
    kind,
    keys,
    rate,
    sizeBytes = 0,
  }: { kind: 'hotadd' | 'lru-cache'; keys: number; rate: number; sizeBytes?: number },
): Promise<Running> {
  const server = startInside(folder, kind, 'page-server.ts', [kind, String(sizeBytes)]);
  const port = await server.line();
  const load = Contender.node('load', 'page-load.ts', [port, String(keys), String(rate)]);
  await load.line();
  const stop = async () => {
    await load.stop();
    await server.stop();
  };
  return { server, load, stop };
}

/** The hit rate of a second from now. */
export async function hitRateNow(server: Contender): Promise<{ hitRate: number; figures: ServerFigures }> {
  const before = await look(server);
  await pause(1_000);
  const figures = await look(server);
  const hits = figures.hits - before.hits;
  return { hitRate: hits / (hits + figures.misses - before.misses), figures };
}

/** Until the cache holds all but 64 MiB of its size, at most so long. */
export async function filled(server: Contender, withinMs: number): Promise<void> {
  const untilMs = performance.now() + withinMs;
  for (;;) {
    const { heldBytes, sizeBytes } = await look(server);
    if (heldBytes >= sizeBytes - 64 * MiB || performance.now() > untilMs) return;
    await pause(100);
  }
}

export async function change(
  { server, load }: Running,
  folder: string,
  { toBytes, fillMs }: { toBytes: number; fillMs: number },
): Promise<PlannedChange> {
  const before = await lookAtLoad(load);
  const startMs = performance.now();
  const atOnce = await ask<ServerFigures & { result: string; reason: string | null }>(
    server,
    `resize ${toBytes}`,
  );
  const tookMs = performance.now() - startMs;
  const servedMeanwhile = (await lookAtLoad(load)).served - before.served;
  await filled(server, fillMs);
  const { hitRate, figures } = await hitRateNow(server);
  const { result, reason } = atOnce;
  const kernel = kernelCounts(folder);
  return { toBytes, result, reason, tookMs, servedMeanwhile, atOnce, later: figures, kernel, hitRate };
}
