// Two ends of a real socket in this process. What is written comes with its number and length, and the other
// end compares every byte with a copy. It reads late, so that writes have to wait for it with their bytes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const HEAD_BYTES = 8;
/** Turns of the loop in which the other end does not read. */
const IDLE_TURNS = 12;

export class SocketPair {
  readonly #folder: string;
  readonly #server: Server;
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #expected = new Map<number, { bytes: Buffer; arrived: () => void }>();
  #number = 0;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #failure: unknown = null;

  private constructor(folder: string, server: Server, near: Socket, far: Socket) {
    this.#folder = folder;
    this.#server = server;
    this.#near = near;
    this.#far = far;
    far.on('data', (chunk) => this.#take(chunk));
  }

  static async open(): Promise<SocketPair> {
    const folder = await mkdtemp(join(tmpdir(), 'hotadd-hunt-'));
    const path = join(folder, 'socket');
    const server = createServer().listen(path);
    await once(server, 'listening');
    const near = connect(path);
    const [far] = (await once(server, 'connection')) as [Socket];
    return new SocketPair(folder, server, near, far);
  }

  /** Resolves `written` when the socket needs the bytes no more, `arrived` when they were compared. */
  write(bytes: Uint8Array): { written: Promise<void>; arrived: Promise<void> } {
    this.#number += 1;
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32LE(this.#number, 0);
    head.writeUInt32LE(bytes.length, 4);
    const copy = Buffer.from(bytes);
    const number = this.#number;
    const arrived = new Promise<void>((resolve) => {
      this.#expected.set(number, { bytes: copy, arrived: resolve });
    });
    this.#near.write(head);
    const written = new Promise<void>((resolve, reject) => {
      this.#near.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
    return { written, arrived };
  }

  async close(): Promise<void> {
    this.#near.destroy();
    this.#far.destroy();
    this.#server.close();
    await rm(this.#folder, { recursive: true });
    if (this.#failure !== null) throw this.#failure;
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > HEAD_BYTES + 1) this.#compare();
    this.#far.pause();
    let turns = IDLE_TURNS;
    const turn = () => {
      turns -= 1;
      if (turns > 0) setImmediate(turn);
      else this.#far.resume();
    };
    turn();
  }

  #compare(): void {
    let bytes = Buffer.concat(this.#chunks);
    for (;;) {
      if (bytes.length < HEAD_BYTES) break;
      const number = bytes.readUInt32LE(0);
      const end = HEAD_BYTES + bytes.readUInt32LE(4);
      if (bytes.length < end) break;
      const expected = this.#expected.get(number);
      this.#expected.delete(number);
      assert.ok(expected !== undefined, `message ${number} was not sent`);
      assert.ok(expected.bytes.equals(bytes.subarray(HEAD_BYTES, end)), 'other bytes arrive than were sent');
      expected.arrived();
      bytes = bytes.subarray(end);
    }
    this.#chunks = [bytes];
    this.#bytes = bytes.length;
  }
}
