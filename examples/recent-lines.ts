// The smallest driver: the last lines of a log, as many bytes of them as memory allows.
import { buffers, KiB, MiB } from 'hotadd';

const lines: string[] = [];
let heldBytes = 0;
let mostBytes = 16 * MiB; // what is read once, at start, in most software

export const recentLines = buffers('recent lines', {
  size: () => mostBytes,
  held: () => heldBytes,
  resize: (bytes) => {
    mostBytes = bytes;
    trim();
  },
  floor: 64 * KiB,
});

export function remember(line: string): void {
  lines.push(line);
  heldBytes += costOf(line);
  trim();
}

export function lastLines(count: number): readonly string[] {
  return lines.slice(-count);
}

function trim(): void {
  let gone = 0;
  while (heldBytes > mostBytes && gone < lines.length) {
    heldBytes -= costOf(lines[gone] ?? '');
    gone += 1;
  }
  lines.splice(0, gone);
}

/** A string of one byte for each character, with its header and its place in the list. */
function costOf(line: string): number {
  return line.length + 32;
}
