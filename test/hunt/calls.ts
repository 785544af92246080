// Calls of Node that use memory after they return: files, sockets, crypto and zlib. Each resolves when it has
// called back, and what came of it was compared with what has to come of a copy.
import assert from 'node:assert/strict';
import {
  createHash,
  hkdf,
  hkdfSync,
  pbkdf2,
  pbkdf2Sync,
  randomFill,
  scrypt,
  scryptSync,
  webcrypto,
} from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import {
  brotliCompress,
  brotliCompressSync,
  constants,
  deflate,
  deflateSync,
  gzip,
  gzipSync,
  inflate,
} from 'node:zlib';
import { PIECE_MOST, Piece } from './pieces.ts';
import type { SocketPair } from './socket-pair.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** What calls are made on. */
export interface Ends {
  readonly pieces: readonly Piece[];
  /** The pieces, one after another in the space of the longest, then space to write to. */
  readonly file: FileHandle;
  readonly freeSlots: number[];
  readonly sockets: SocketPair;
}

export interface Called {
  /** The call has called back, so its bytes may be released. */
  readonly over: Promise<unknown>;
  /** What came of it is right, where that is seen later. */
  readonly checked?: Promise<unknown>;
}

/** Reads bytes that hold a piece. */
export type Source = (bytes: Bytes, piece: Piece, ends: Ends) => Called;

const KEY_BYTES = 32;
const SALT = Buffer.from('salt');
const COSTS = { N: 2, r: 1, p: 1 };
const FAST = { level: 1 };
const FAST_BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };

const same = (made: ArrayBuffer | Uint8Array, must: Buffer, what: string) =>
  assert.ok(must.equals(Buffer.from(made as ArrayBuffer)), `${what} of other bytes than those of the lease`);

/** A call whose result a copy has as well, by another way. */
function computed(
  what: string,
  call: (bytes: Bytes) => Promise<ArrayBuffer | Uint8Array>,
  must: (copy: Buffer) => Buffer,
): Source {
  return (bytes, piece) => ({
    over: call(bytes).then((made) => same(made, piece.made(what, must), what)),
  });
}

const callbackTo = <Result>(call: (done: (error: Error | null, result: Result) => void) => void) =>
  new Promise<Result>((resolve, reject) => {
    call((error, result) => (error ? reject(error) : resolve(result)));
  });

export const SOURCES: Readonly<Record<string, Source>> = {
  'fs.write': (bytes, piece, { file, freeSlots, pieces }) => {
    const slot = freeSlots.pop() ?? 0;
    const at = (pieces.length + slot) * PIECE_MOST;
    const over = file.write(bytes, 0, bytes.length, at);
    const check = async () => {
      assert.equal((await over).bytesWritten, piece.bytes.length);
      const back = Buffer.alloc(piece.bytes.length);
      await file.read(back, 0, back.length, at);
      freeSlots.push(slot);
      same(back, piece.bytes, 'fs.write');
    };
    return { over, checked: check() };
  },
  'socket.write': (bytes, _piece, { sockets }) => {
    const { written, arrived } = sockets.write(bytes);
    return { over: written, checked: arrived };
  },
  digest: computed(
    'digest',
    (bytes) => webcrypto.subtle.digest('SHA-256', bytes),
    (copy) => createHash('sha256').update(copy).digest(),
  ),
  hkdf: computed(
    'hkdf',
    (bytes) => callbackTo<ArrayBuffer>((done) => hkdf('sha256', bytes, SALT, '', KEY_BYTES, done)),
    (copy) => Buffer.from(hkdfSync('sha256', copy, SALT, '', KEY_BYTES)),
  ),
  scrypt: computed(
    'scrypt',
    (bytes) => callbackTo<Buffer>((done) => scrypt(bytes, SALT, KEY_BYTES, COSTS, done)),
    (copy) => scryptSync(copy, SALT, KEY_BYTES, COSTS),
  ),
  pbkdf2: computed(
    'pbkdf2',
    (bytes) => callbackTo<Buffer>((done) => pbkdf2(bytes, SALT, 1, KEY_BYTES, 'sha256', done)),
    (copy) => pbkdf2Sync(copy, SALT, 1, KEY_BYTES, 'sha256'),
  ),
  deflate: computed(
    'deflate',
    (bytes) => callbackTo<Buffer>((done) => deflate(bytes, FAST, done)),
    (copy) => deflateSync(copy, FAST),
  ),
  gzip: computed(
    'gzip',
    (bytes) => callbackTo<Buffer>((done) => gzip(bytes, FAST, done)),
    (copy) => gzipSync(copy, FAST),
  ),
  brotli: computed(
    'brotli',
    (bytes) => callbackTo<Buffer>((done) => brotliCompress(bytes, FAST_BROTLI, done)),
    (copy) => brotliCompressSync(copy, FAST_BROTLI),
  ),
  /** Where it holds what zlib made. */
  inflate: (bytes, { inflated }) => ({
    over:
      inflated === null
        ? Promise.resolve()
        : callbackTo<Buffer>((done) => inflate(bytes, done)).then((made) => same(made, inflated, 'inflate')),
  }),
};

/** Writes bytes, and tells what must be in them then. */
export type Sink = (bytes: Bytes, choice: number, ends: Ends) => Promise<Piece>;

export const SINKS: Readonly<Record<string, Sink>> = {
  /** At most so many bytes as there are; the rest is as it was. */
  'fs.read': async (bytes, choice, { file, pieces }) => {
    const index = choice % pieces.length;
    const piece = pieces[index] as Piece;
    const length = Math.min(bytes.length, piece.bytes.length);
    const rest = Buffer.from(bytes.subarray(length));
    const { bytesRead } = await file.read(bytes, 0, length, index * PIECE_MOST);
    assert.equal(bytesRead, length);
    return new Piece(Buffer.concat([piece.bytes.subarray(0, length), rest]));
  },
  /** What chance has made is read through another view, and is not what was there. */
  randomFill: async (bytes, _choice) => {
    const before = Buffer.from(bytes);
    await promisify(randomFill)(bytes);
    const after = Buffer.from(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    assert.ok(before.length < 16 || !before.equals(after), 'randomFill wrote elsewhere');
    return new Piece(after);
  },
};
