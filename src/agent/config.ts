// hotadd.yaml: read and checked whole before anything opens (E4). The keys are in config-schema.ts, places
// and YAML in config-text.ts, the sentences of the errors in config-check.ts.
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { z } from 'zod';
import { HotaddError } from '../core/errors.ts';
import type { Amount, Policy } from '../core/registry.ts';
import { DRIVERS, type DriverKind } from '../drivers/list.ts';
import { findSecrets, problemsOf } from './config-check.ts';
import { configSchema, optionsOf } from './config-schema.ts';
import { type ConfigProblem, parseConfigText } from './config-text.ts';
import { presentUser, readSafeFile } from './safe-file.ts';

const MAX_BYTES = 1024 * 1024;

export interface DriverConfig {
  readonly name: string;
  /** A `kind` of drivers/list.ts. */
  readonly kind: string;
  readonly policy: Policy;
  /** As written; checked with the schema of the kind. */
  readonly options: Readonly<Record<string, unknown>>;
}

export interface Config {
  readonly version: 1;
  readonly partition: string;
  readonly apply: boolean;
  readonly online: 'off' | 'online' | 'online_kernel' | 'online_movable';
  /** `null`: the default of the plan, 20 % of usable and at least 64 MiB. */
  readonly reserve: Amount | null;
  readonly stateFolder: string;
  readonly runFolder: string;
  readonly onDrift: 'report' | 'reassert';
  /** The order is the priority. */
  readonly drivers: readonly DriverConfig[];
}

/** Who runs this and where; a test hands in another. */
export interface Surroundings {
  readonly user: number | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly tempFolder: string;
}

/** Everything that is wrong with a configuration; the message has a line for each, the first one first. */
export class ConfigError extends HotaddError {
  readonly problems: readonly ConfigProblem[];

  constructor(path: string, problems: readonly ConfigProblem[]) {
    const [first] = problems;
    super('HOTADD_BAD_CONFIG', first ? sentence(first) : 'is not valid', {
      place: first ? `${path}:${first.line}:${first.column}` : path,
      ...(first ? { mend: first.mend } : {}),
    });
    this.problems = problems;
    const lines = problems.map(
      (each) => `${path}:${each.line}:${each.column}: ${sentence(each)}; ${each.mend}`,
    );
    this.message = lines.join('\n');
  }
}

function sentence({ key, problem }: ConfigProblem): string {
  return key === '' ? problem : `${key}: ${problem}`;
}

/**
 * Reads and checks a configuration; opens nothing.
 * @throws HotaddError HOTADD_UNSAFE_FILE when others may write it; ConfigError HOTADD_BAD_CONFIG.
 */
export async function readConfig(path: string, kinds: readonly DriverKind[] = DRIVERS): Promise<Config> {
  const missing = 'write one, or name another with --config';
  const bytes = await readSafeFile(path, { maxBytes: MAX_BYTES, code: 'HOTADD_BAD_CONFIG', missing });
  return parseConfig(bytes, path, kinds);
}

/**
 * @param path only for the messages.
 * @throws ConfigError HOTADD_BAD_CONFIG.
 */
export function parseConfig(
  bytes: Uint8Array,
  path: string,
  kinds: readonly DriverKind[] = DRIVERS,
  around: Surroundings = { user: presentUser(), env: process.env, tempFolder: tmpdir() },
): Config {
  const text = parseConfigText(bytes);
  if (text.problems.length > 0) throw new ConfigError(path, text.problems);
  if (text.value === null || text.value === undefined) {
    throw new ConfigError(path, [
      { line: 1, column: 1, key: '', problem: 'is empty', mend: 'begin with version: 1' },
    ]);
  }
  const checked = configSchema(kinds).safeParse(text.value);
  const secrets = findSecrets(text);
  if (!checked.success || secrets.length > 0) {
    const problems = problemsOf(text, checked.error?.issues ?? [], kinds);
    throw new ConfigError(path, secrets.length > 0 ? [...secrets, ...problems] : problems);
  }
  return withDefaults(checked.data, text.value, around);
}

function withDefaults(
  given: z.output<ReturnType<typeof configSchema>>,
  written: unknown,
  around: Surroundings,
): Config {
  const onDrift = given.onDrift ?? 'report';
  const entries = (written as { drivers?: readonly Record<string, unknown>[] }).drivers ?? [];
  return {
    version: 1,
    partition: given.partition ?? 'machine',
    apply: given.apply ?? false,
    online: given.online ?? 'off',
    reserve: given.reserve ?? null,
    stateFolder: given.state ?? defaultStateFolder(around),
    runFolder: given.run ?? defaultRunFolder(around),
    onDrift,
    drivers: (given.drivers ?? []).map((entry, index) => ({
      name: entry.name,
      kind: entry.driver,
      policy: {
        weight: entry.weight ?? 1,
        ...(entry.min === undefined ? {} : { min: entry.min }),
        ...(entry.max === undefined ? {} : { max: entry.max }),
        onDrift: entry.onDrift ?? onDrift,
      },
      options: optionsOf(entries[index] ?? {}),
    })),
  };
}

/** Where the history is kept without `state:`. */
export function defaultStateFolder({ user, env, tempFolder }: Surroundings): string {
  if (user === 0) return '/var/lib/hotadd';
  const set = env.XDG_STATE_HOME;
  // The XDG rules: a path that is not absolute is ignored.
  if (set && isAbsolute(set)) return join(set, 'hotadd');
  const home = env.HOME || env.USERPROFILE;
  return home && isAbsolute(home) ? join(home, '.local/state/hotadd') : ownTempFolder(user, tempFolder);
}

/** Where the control socket is made without `run:`. */
export function defaultRunFolder({ user, env, tempFolder }: Surroundings): string {
  if (user === 0) return '/run/hotadd';
  const set = env.XDG_RUNTIME_DIR;
  return set && isAbsolute(set) ? join(set, 'hotadd') : ownTempFolder(user, tempFolder);
}

// Others may have made it first: makeOwnFolder (safe-file.ts) refuses it then.
function ownTempFolder(user: number | null, tempFolder: string): string {
  return join(tempFolder, user === null ? 'hotadd' : `hotadd-${user}`);
}
