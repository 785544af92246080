// A contender is a child process that says on its standard output when something reached it: a line of
// numbers, first among them CLOCK_MONOTONIC in nanoseconds, the clock of process.hrtime. Here: starting
// one, compiling one, its lines.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const LINE_WITHIN_MS = 20_000;
const folder = fileURLToPath(new URL('contenders/', import.meta.url));

const cleanups: (() => void)[] = [];
process.on('exit', () => {
  for (const clean of cleanups.reverse()) clean();
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

/** Runs when this process ends, whatever ends it but SIGKILL; the last one given runs first. */
export function atExit(clean: () => void): void {
  cleanups.push(clean);
}

/** A folder that is gone when this process ends. Memory-backed where the system has such a place. */
export function tempFolder(place = tmpdir()): string {
  const made = mkdtempSync(join(place, 'hotadd-bench-'));
  atExit(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** Compiles a C program of contenders/. Returns its path; throws when there is no compiler. */
export function compile(source: string): string {
  const program = join(tempFolder(), basename(source, '.c'));
  const result = spawnSync('gcc', ['-O2', '-Wall', '-o', program, join(folder, source)], {
    encoding: 'utf8',
  });
  if (result.error) throw new Error(`gcc cannot be run: ${result.error.message}`);
  if (result.status !== 0) throw new Error(`${source} does not compile: ${result.stderr}`);
  return program;
}

export class Contender {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #wake: (() => void) | null = null;
  #ended: string | null = null;

  constructor(name: string, command: string, args: readonly string[]) {
    this.name = name;
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = child;
    atExit(() => child.kill('SIGKILL'));
    child.stdin.on('error', () => undefined);
    child.on('exit', (code, signal) => {
      this.#ended = `${name} ended (${signal ?? code})`;
      this.#wake?.();
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#lines.push(line);
      this.#wake?.();
    });
  }

  /** A program in contenders/ on this Node. */
  static node(name: string, program: string, args: readonly string[] = [], flags: readonly string[] = []) {
    const path = join(folder, program);
    return new Contender(name, process.execPath, [...flags, path, ...args]);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Why it is no more: a code or a signal; `null`: it runs. */
  get ended(): string | null {
    return this.#ended;
  }

  /** The next line it says. Rejects when it ends or says nothing for 20 s. */
  async line(): Promise<string> {
    const untilMs = performance.now() + LINE_WITHIN_MS;
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      if (this.#ended !== null) throw new Error(this.#ended);
      const leftMs = untilMs - performance.now();
      if (leftMs <= 0) throw new Error(`${this.name} said nothing for ${LINE_WITHIN_MS / 1000} s`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** The next line as numbers. */
  async numbers(): Promise<number[]> {
    return (await this.line()).split(' ').map(Number);
  }

  /** Lines said so far that nobody has asked for are dropped. */
  forget(): void {
    this.#lines.length = 0;
  }

  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Ends it, and resolves when it is gone. */
  async stop(): Promise<void> {
    if (this.#ended !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await gone;
  }
}

/** CLOCK_MONOTONIC in nanoseconds as a number: exact for 100 days of uptime. */
export function nowNs(): number {
  return Number(process.hrtime.bigint());
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
