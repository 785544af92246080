// Runs the command line from its sources, as a process of its own: what these tests look at is what a person
// gets. Many bad command lines share one process (cli-many.ts), since starting Node takes most of the time.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { ROOT } from '../repository.ts';

export const MAIN = join(ROOT, 'src/cli/main.ts');
export const MACHINES = 'test/fixtures/machines';
const MANY = join(ROOT, 'test/golden/cli-many.ts');
const DEADLINE_MS = 30_000;
/** Two cores are common; Node starts on both. */
const AT_ONCE = 3;

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder of this test file alone, gone afterwards. */
export function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hotadd-cli-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Compiled sources, for the processes of one test file to share: starting is most of what they do. */
const cache = ownFolder();

/** Nothing of the person who runs the tests: no configuration, no colours, no home. */
export function cleanEnv(home: string): NodeJS.ProcessEnv {
  const xdg = { XDG_CONFIG_HOME: home, XDG_STATE_HOME: home, XDG_RUNTIME_DIR: home };
  return { PATH: process.env.PATH, HOME: home, NO_COLOR: '1', NODE_COMPILE_CACHE: cache, ...xdg };
}

export interface Where {
  readonly cwd?: string;
  readonly home: string;
  /** For Node itself. */
  readonly nodeOptions?: readonly string[];
}

/** Runs one command to its end. */
export function runCli(
  words: readonly string[],
  { cwd = ROOT, home, nodeOptions = [] }: Where,
): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { cwd, env: cleanEnv(home), timeout: DEADLINE_MS, maxBuffer: 2 ** 24 };
    execFile(process.execPath, [...nodeOptions, MAIN, ...words], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      resolve({ code, stdout, stderr });
    });
  });
}

/** Runs each of them in a process of its own, a few at a time; answers in the order of the questions. */
export async function runEach(list: readonly (readonly string[])[], where: Where): Promise<Ran[]> {
  const ran: Ran[] = [];
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < list.length; index = next++) {
      ran[index] = await runCli(list[index] ?? [], where);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return ran;
}

/** Runs all of them one after another in one process. */
export function runMany(list: readonly (readonly string[])[], { cwd = ROOT, home }: Where): Promise<Ran[]> {
  return new Promise((resolve, reject) => {
    const options = { cwd, env: cleanEnv(home), timeout: DEADLINE_MS, maxBuffer: 2 ** 26 };
    const child = execFile(process.execPath, [MANY], options, (error, stdout) => {
      if (error) reject(error);
      else resolve(JSON.parse(stdout) as Ran[]);
    });
    child.stdin?.end(JSON.stringify(list));
  });
}

export interface Started {
  readonly child: ChildProcess;
  /** All of stdout so far. */
  readonly text: () => string;
  /** Resolves when stdout holds it; rejects when the process ends before. */
  until(wanted: RegExp): Promise<void>;
  readonly ended: Promise<Ran>;
}

/** Starts a command that goes on until it is told to stop. */
export function startCli(words: readonly string[], { cwd = ROOT, home }: Where): Started {
  const child = spawn(process.execPath, [MAIN, ...words], { cwd, env: cleanEnv(home), timeout: DEADLINE_MS });
  let stdout = '';
  let stderr = '';
  const looks = new Set<() => void>();
  const look = () => {
    for (const each of looks) each();
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    look();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ran>((resolve) => {
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  const until = (wanted: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const done = () => {
        if (wanted.test(stdout)) resolve();
      };
      looks.add(done);
      done();
      void ended.then(() => reject(new Error(`ended without ${wanted}: ${stdout}${stderr}`)));
    });
  return { child, text: () => stdout, until, ended };
}
