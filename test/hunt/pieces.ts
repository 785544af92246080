// Contents that leases have in a hunt: short and long ones, text, chance, and what zlib made of others. What
// a call must make of one is computed once, from a copy that no lease has.
import { deflateSync } from 'node:zlib';
import { KiB } from '../../src/core/bytes.ts';
import { RandomSim } from '../../src/testing/random-sim.ts';

export const PIECE_MOST = 32 * KiB;
const PIECES = 48;

export class Piece {
  readonly bytes: Buffer;
  /** Of a piece that zlib made: of what. */
  readonly inflated: Buffer | null;
  readonly #made = new Map<string, Buffer>();

  constructor(bytes: Buffer, inflated: Buffer | null = null) {
    this.bytes = bytes;
    this.inflated = inflated;
  }

  /** What a call has to make of it. */
  made(call: string, make: (bytes: Buffer) => Buffer): Buffer {
    const made = this.#made.get(call) ?? make(this.bytes);
    this.#made.set(call, made);
    return made;
  }
}

export function makePieces(): readonly Piece[] {
  const random = new RandomSim(1);
  return Array.from({ length: PIECES }, (_, index) => {
    // Most are so long that a call is under way for a while, some so short that other memory is used for it.
    const length = index % 4 === 0 ? random.between(1, 300) : random.between(PIECE_MOST / 4, PIECE_MOST);
    const text = Buffer.alloc(length, `<${index}: ${random.between(0, 9999)}>`);
    if (index % 3 === 0) return new Piece(text);
    const chance = Buffer.from(Array.from({ length }, () => random.between(0, 255)));
    if (index % 3 === 1) return new Piece(chance);
    const mixed = Buffer.concat([chance.subarray(0, length / 2), text.subarray(0, length / 2)]);
    return new Piece(deflateSync(mixed), mixed);
  });
}
