// One JSON value per line over a stream: the framing of QMP and of the door in the guest, with requests that
// are answered by id.
import type { Duplex } from 'node:stream';
import { LabError } from './lab-error.ts';

export type Json = Record<string, unknown>;

interface Waiting {
  readonly what: string;
  readonly resolve: (answer: Json) => void;
  readonly reject: (error: Error) => void;
}

export class JsonLines {
  readonly #stream: Duplex;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #rest = '';
  #ended: Error | null = null;

  /** @param onOther called with what answers no request: greetings and events. */
  constructor(stream: Duplex, onOther: (message: Json) => void) {
    this.#stream = stream;
    stream.setEncoding('utf8');
    // The end of QEMU is told by its exit, with the console; an error of the stream says less.
    stream.on('error', () => undefined);
    stream.on('data', (text: string) => this.#take(text, onOther));
  }

  /**
   * Sends a request with an id of its own; resolves with the message that bears it. After `timeoutMs` it
   * rejects.
   */
  ask(request: Json, what: string, timeoutMs: number): Promise<Json> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise<Json>((resolve, reject) => {
      const late = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new LabError(`${what}: no answer within ${timeoutMs} ms`));
      }, timeoutMs);
      const settled =
        <Value>(settle: (value: Value) => void) =>
        (value: Value) => {
          clearTimeout(late);
          settle(value);
        };
      this.#waiting.set(id, { what, resolve: settled(resolve), reject: settled(reject) });
      this.#stream.write(`${JSON.stringify({ ...request, id })}\n`);
    });
  }

  /** The line that has begun and not ended: part of the state of the other side. */
  get rest(): string {
    return this.#rest;
  }

  set rest(text: string) {
    this.#rest = text;
  }

  /** Rejects all that waits, and all that is asked later. */
  end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#stream.destroy();
  }

  #take(text: string, onOther: (message: Json) => void): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.trim() === '') continue;
      const message = parse(line);
      if (message === null) {
        this.end(new LabError(`what was answered is not JSON: ${line.slice(0, 200)}`));
        return;
      }
      const waiting = typeof message.id === 'number' ? this.#waiting.get(message.id) : undefined;
      if (waiting === undefined) onOther(message);
      else {
        this.#waiting.delete(message.id as number);
        waiting.resolve(message);
      }
    }
  }
}

/** A throw in here would surface in the stream, where nobody waits for it. */
function parse(line: string): Json | null {
  try {
    return JSON.parse(line) as Json;
  } catch {
    return null;
  }
}
