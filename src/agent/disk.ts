// The seam for the agent's own files: what it uses of node:fs/promises. The real twin is that module itself;
// the simulated one (test/simulation/disk-sim.ts) fails, and loses what was not synced.
import type { Stats } from 'node:fs';
import * as fs from 'node:fs/promises';

/** The part of node's FileHandle that is used. */
export interface DiskHandle {
  read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number | null,
  ): Promise<{ bytesRead: number }>;
  write(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesWritten: number }>;
  truncate(length: number): Promise<void>;
  sync(): Promise<void>;
  stat(): Promise<Standing>;
  close(): Promise<void>;
}

/** What is asked of a file or folder that is there. */
export type Standing = Pick<Stats, 'size' | 'ino' | 'mode' | 'uid' | 'isFile' | 'isDirectory'>;

export interface Disk {
  open(path: string, flags: number, mode?: number): Promise<DiskHandle>;
  /** @param options.flush true: it is on disk when this resolves. */
  writeFile(path: string, text: string, options: { mode: number; flush: boolean }): Promise<void>;
  mkdir(path: string, options: { mode: number; recursive?: boolean }): Promise<string | undefined>;
  rename(from: string, to: string): Promise<void>;
  rm(path: string, options: { force: boolean }): Promise<void>;
  stat(path: string): Promise<Standing>;
  lstat(path: string): Promise<Standing>;
  access(path: string, mode: number): Promise<void>;
  realpath(path: string): Promise<string>;
}

export const diskOs: Disk = fs;
