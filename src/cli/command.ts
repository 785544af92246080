// What a command is: a plain object that commands.ts lists. main.ts parses, asks one of them to run, and
// turns what it returns or throws into an exit code.
import { HotaddError } from '../core/errors.ts';
import type { Output } from './output.ts';

/** What the shell is told. The numbers are documented in docs/reference/cli.md. */
export const EXIT = { done: 0, failed: 1, usage: 2, partly: 64 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** What a person must know beyond the summary; a paragraph. */
  readonly about: string;
  /** Without the leading `hotadd`. */
  readonly examples: readonly string[];
  readonly arguments: readonly Described[];
  readonly options: readonly Described[];
  run(given: Given, output: Output): Promise<ExitCode>;
}

/** `<bytes>` or `--config <file>`, with what it is for. */
export interface Described {
  readonly form: string;
  readonly summary: string;
}

/** What was typed. */
export class Given {
  readonly command: string;
  readonly #arguments: readonly string[];
  readonly #options: Readonly<Record<string, unknown>>;

  constructor(command: string, given: readonly string[], options: Readonly<Record<string, unknown>>) {
    this.command = command;
    this.#arguments = given;
    this.#options = options;
  }

  /** The first argument. Throws HOTADD_BAD_USAGE when it is blank. */
  argument(form: string): string {
    return notBlank(form, this.#arguments[0] ?? '');
  }

  flag(name: string): boolean {
    return this.#options[name] === true;
  }

  /** `null`: not given. Throws HOTADD_BAD_USAGE when it is given and blank. */
  option(name: string): string | null {
    const value = this.#options[name];
    return typeof value === 'string' ? notBlank(`--${name}`, value) : null;
  }

  /** A count from 1 on; `null`: not given. */
  count(name: string): number | null {
    const text = this.option(name);
    if (text === null || /^[1-9]\d{0,6}$/.test(text)) return text === null ? null : Number(text);
    throw new HotaddError('HOTADD_BAD_USAGE', `"${text}" is not a count`, {
      place: `--${name}`,
      mend: 'write a whole number from 1 on, such as 20',
    });
  }

  /** From 0 on; `null`: not given. Throws HOTADD_BAD_USAGE. */
  wholeNumber(name: string): number | null {
    const text = this.option(name);
    if (text === null || /^(0|[1-9]\d{0,14})$/.test(text)) return text === null ? null : Number(text);
    throw new HotaddError('HOTADD_BAD_USAGE', `"${text}" is not a whole number from 0 on`, {
      place: `--${name}`,
      mend: 'write up to 15 digits, such as 7',
    });
  }
}

function notBlank(place: string, text: string): string {
  if (text.trim() !== '') return text;
  throw new HotaddError('HOTADD_BAD_USAGE', 'is empty', { place, mend: 'write a value after it' });
}

export const JSON_OPTION: Described = { form: '--json', summary: 'print JSON, for programs' };
export const CONFIG_OPTION: Described = {
  form: '--config <file>',
  summary: 'configuration (default: ./hotadd.yaml, then the installed one)',
};
export const PARTITION_OPTION: Described = {
  form: '--partition <name>',
  summary: 'machine, self, cgroup:/path, pid:N or unit:NAME',
};
