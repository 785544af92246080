// The host's side of the door: what guest/door.js does, as methods. Files and programs of the guest.
import { EventEmitter, once } from 'node:events';
import type { Duplex } from 'node:stream';
import { type Json, JsonLines } from './json-lines.ts';
import { LabError } from './lab-error.ts';

const ANSWER_MS = 60_000;
/** The serial line takes 0.3 MB/s: a file goes in pieces, so that none is late. */
const PIECE_CHARACTERS = 64 * 1024;

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Folder of the cgroup to run in, such as `/sys/fs/cgroup/app`; it is there from the first byte on. */
  readonly cgroup?: string;
  readonly input?: string;
  /** How long it may take; default: a minute. */
  readonly timeoutMs?: number;
}

export interface Ended {
  readonly code: number | null;
  /** The signal that killed it. */
  readonly signal: string | null;
}

export interface RunResult extends Ended {
  readonly stdout: string;
  readonly stderr: string;
}

export class Door {
  readonly #lines: JsonLines;
  readonly #processes = new Map<number, GuestProcess>();
  /** Resolves when the guest has booted, with the version of its Node. */
  readonly hello: Promise<string>;

  constructor(stream: Duplex) {
    let greet = (_version: string) => {};
    this.hello = new Promise((resolve) => {
      greet = resolve;
    });
    this.#lines = new JsonLines(stream, (message) => {
      if (typeof message.hello === 'string') greet(message.hello);
      if (typeof message.process === 'number') this.#processOf(message.process).take(message);
    });
  }

  async ask(request: Json & { readonly do: string }, timeoutMs = ANSWER_MS): Promise<unknown> {
    const what = [request.do, request.path, (request.argv as string[] | undefined)?.join(' ')];
    const said = what.filter((word) => word !== undefined).join(' ');
    const answer = await this.#lines.ask(request, `guest: ${said}`, timeoutMs);
    if ('error' in answer) throw guestError(said, answer);
    return answer.ok;
  }

  async write(path: string, text: string, mode: number, encoding: 'utf8' | 'base64'): Promise<void> {
    let at = 0;
    do {
      const piece = pieceOf(text, at);
      await this.ask({ do: at === 0 ? 'write' : 'append', path, text: piece, mode, encoding });
      at += piece.length;
    } while (at < text.length);
  }

  async start(argv: readonly string[], options: RunOptions): Promise<GuestProcess> {
    const pid = (await this.ask({ do: 'start', argv, ...options })) as number;
    const process = this.#processOf(pid);
    process.opened(pid, argv.join(' '), (signal) => this.ask({ do: 'signal', pid, signal }));
    return process;
  }

  /** What the host knows of a guest whose state is saved now. */
  save(): DoorState {
    const processes = [...this.#processes.values()].map((process) => process.save());
    return { rest: this.#lines.rest, processes };
  }

  /** Takes up what another host knew of this guest when its state was saved. */
  restore({ rest, processes }: DoorState): void {
    this.#lines.rest = rest;
    for (const { pid, what, stdout, stderr, ended } of processes) {
      const process = this.#processOf(pid);
      process.opened(pid, what, (signal) => this.ask({ do: 'signal', pid, signal }));
      process.take({ out: stdout, err: stderr, ...(ended === null ? {} : { exit: ended }) });
    }
  }

  /** A program that was started in this guest; `null`: there is none of that number. */
  process(pid: number): GuestProcess | null {
    return this.#processes.get(pid) ?? null;
  }

  end(error: Error): void {
    this.#lines.end(error);
    for (const process of this.#processes.values()) process.lost(error);
  }

  /** The first words of a program can come before the answer that names it. */
  #processOf(pid: number): GuestProcess {
    const known = this.#processes.get(pid);
    // A number is used again by the kernel; a program that has ended keeps its own words.
    if (known !== undefined && !known.isOver) return known;
    const process = new GuestProcess();
    this.#processes.set(pid, process);
    return process;
  }
}

export interface DoorState {
  readonly rest: string;
  readonly processes: readonly ProcessState[];
}

interface ProcessState {
  readonly pid: number;
  readonly what: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly ended: Ended | null;
}

/** A character of two halves stays whole: half of one cannot be written as UTF-8. */
function pieceOf(text: string, at: number): string {
  const end = at + PIECE_CHARACTERS;
  return text.slice(at, /[\ud800-\udbff]/.test(text.charAt(end - 1)) ? end - 1 : end);
}

function guestError(said: string, { error, code }: Json): LabError {
  const thrown = new LabError(`guest: ${said}: ${error}`);
  return Object.assign(thrown, { code });
}

/** A program that runs in the guest. */
export class GuestProcess {
  readonly #news = new EventEmitter();
  #pid = 0;
  #what = '';
  #signal: (signal: string) => Promise<unknown> = () => Promise.resolve();
  #stdout = '';
  #stderr = '';
  #ended: Ended | null = null;
  #lost: Error | null = null;

  /** Called by the door when the guest has said which number the program has. */
  opened(pid: number, what: string, signal: (signal: string) => Promise<unknown>): void {
    this.#pid = pid;
    this.#what = what;
    this.#signal = signal;
  }

  get pid(): number {
    return this.#pid;
  }

  /** All that it has printed so far. */
  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** How it ended; `null`: it runs. */
  get ended(): Ended | null {
    return this.#ended;
  }

  get isOver(): boolean {
    return this.#ended !== null && this.#pid !== 0;
  }

  /** Whole lines of what it has printed so far. */
  get lines(): string[] {
    return this.#stdout.split('\n').slice(0, -1);
  }

  /**
   * Resolves with the first match in what it prints.
   * @param from an index into `stdout`: what came earlier does not count.
   * @throws LabError when it ends before, or prints no such thing in time.
   */
  async match(pattern: RegExp, { from = 0, timeoutMs = ANSWER_MS } = {}): Promise<RegExpExecArray> {
    const signal = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const found = pattern.exec(this.#stdout.slice(from));
      if (found !== null) return found;
      if (this.#lost !== null) throw this.#lost;
      if (this.#ended !== null) throw this.#failure(`ended without printing ${pattern}`);
      try {
        await once(this.#news, 'news', { signal });
      } catch {
        throw this.#failure(`printed no ${pattern} within ${timeoutMs} ms`);
      }
    }
  }

  /** Resolves when it has ended. */
  async end(): Promise<Ended> {
    while (this.#ended === null) {
      if (this.#lost !== null) throw this.#lost;
      await once(this.#news, 'news');
    }
    return this.#ended;
  }

  async kill(signal = 'SIGKILL'): Promise<void> {
    if (this.#ended === null) await this.#signal(signal);
  }

  take({ out, err, exit }: Json): void {
    if (typeof out === 'string') this.#stdout += out;
    if (typeof err === 'string') this.#stderr += err;
    if (exit !== undefined) this.#ended = exit as Ended;
    this.#news.emit('news');
  }

  save(): ProcessState {
    const [pid, what, stdout, stderr] = [this.#pid, this.#what, this.#stdout, this.#stderr];
    return { pid, what, stdout, stderr, ended: this.#ended };
  }

  lost(error: Error): void {
    this.#lost = error;
    this.#news.emit('news');
  }

  #failure(problem: string): LabError {
    const how = this.#ended === null ? '' : ` (${this.#ended.signal ?? this.#ended.code})`;
    const said = `${this.#stdout.slice(-2_000)}${this.#stderr.slice(-2_000)}`;
    return new LabError(`guest: ${this.#what}: ${problem}${how}\nit printed:\n${said}`);
  }
}
