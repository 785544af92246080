// Where commands write: text or JSON on stdout, errors on stderr. A reader that goes away (`hotadd watch |
// head`) is no error, and must not stop a change that is under way: what is written after that is dropped.
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

export class Output {
  /** Aborts when nobody reads stdout any more: what only prints has no reason to go on. */
  readonly unread: AbortSignal;
  readonly json: boolean;
  #open = true;

  constructor(json: boolean) {
    this.json = json;
    const unread = new AbortController();
    this.unread = unread.signal;
    const onError = (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') throw error;
      this.#open = false;
      unread.abort();
    };
    process.stdout.on('error', onError);
    process.stderr.on('error', onError);
  }

  line(text = ''): void {
    if (this.#open) process.stdout.write(`${text}\n`);
  }

  /** One JSON value on one line, with its schema and version first (E9). */
  value(schema: string, value: object): void {
    this.line(JSON.stringify({ schema: `hotadd.${schema}/1`, v: 1, ...withoutSchema(value) }));
  }

  error(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  /** Colour on a terminal only; NO_COLOR is respected. */
  style(style: Style, text: string): string {
    return styleText(style, text, { stream: process.stdout });
  }
}

function withoutSchema(value: object): object {
  const { schema: _schema, v: _v, ...rest } = value as Record<string, unknown>;
  return rest;
}

/** Aborts at the first SIGINT or SIGTERM; a second one ends the process at once, as if nobody listened. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(name));
  return stop.signal;
}

export function aborted(...signals: readonly AbortSignal[]): Promise<void> {
  const any = AbortSignal.any([...signals]);
  return new Promise((resolve) => {
    if (any.aborted) return resolve();
    any.addEventListener('abort', () => resolve(), { once: true });
  });
}
