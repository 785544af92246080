// QEMU's monitor, in JSON: commands, answers and events. Source: QEMU's "QMP Reference Manual".
import type { Duplex } from 'node:stream';
import { type Json, JsonLines } from './json-lines.ts';
import { LabError } from './lab-error.ts';

const ANSWER_MS = 30_000;

export interface QmpEvent {
  readonly event: string;
  readonly data: Json;
}

export class Qmp {
  readonly #lines: JsonLines;
  readonly #greeted: Promise<void>;
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  #fail = (_error: Error) => {};
  /** Rejects when QEMU has ended: for what waits for an event. */
  readonly ended: Promise<never> = new Promise((_, reject) => {
    this.#fail = reject;
  });

  constructor(stream: Duplex) {
    this.ended.catch(() => undefined);
    let greet = () => {};
    this.#greeted = new Promise((resolve) => {
      greet = resolve;
    });
    this.#lines = new JsonLines(stream, (message) => {
      if ('QMP' in message) greet();
      if (typeof message.event !== 'string') return;
      const event = { event: message.event, data: (message.data ?? {}) as Json };
      for (const listener of this.#listeners) listener(event);
    });
  }

  async open(): Promise<void> {
    await this.#greeted;
    await this.run('qmp_capabilities');
  }

  /** @throws LabError with QEMU's own words when it refuses. */
  async run(command: string, values: Json = {}): Promise<unknown> {
    const answer = await this.#lines.ask(
      { execute: command, arguments: values },
      `QMP ${command}`,
      ANSWER_MS,
    );
    const refusal = answer.error as { readonly desc?: string } | undefined;
    if (refusal !== undefined) throw new LabError(`QEMU refuses ${command}: ${refusal.desc}`);
    return answer.return;
  }

  /** @returns a function that ends it. */
  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  end(error: Error): void {
    this.#lines.end(error);
    this.#fail(error);
  }
}
