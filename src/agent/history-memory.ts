// What the entries amount to, per driver (E3): the settings as found before our first write, the settings we
// last set, and whether a write was begun whose end is not known. Pure: entries in, memory out.
//
//   intent    what is there now becomes "as found", for the time being
//   outcome   written: "as found" stays until released, "last set" is what read back
//             not written, or handed back exactly: as if the change had never been
//   release   nothing is known of this driver any more
import type { Setting } from '../core/driver.ts';
import type { Answer, Outcome } from '../core/outcome.ts';
import type { Intent } from '../core/record.ts';
import type { DriverRecord, Entry } from './history-entry.ts';

/** What history knows of one driver, for the agent. */
export interface DriverMemory {
  /** As they were before our first write since the last release. */
  readonly foundSettings: readonly Setting[];
  /** `null`: a write was begun and none is known to have ended. */
  readonly lastSet: { readonly settings: readonly Setting[]; readonly instance: string } | null;
  /** A write was begun and its end is not known: settings that differ from `lastSet` may be ours. */
  readonly interrupted: boolean;
}

export class HistoryMemory {
  readonly #drivers = new Map<string, DriverRecord>();
  /** Changes begun and not ended, by id. */
  readonly open = new Map<number, Intent>();
  lastChangeId = 0;

  driver(name: string): DriverMemory | null {
    const record = this.#drivers.get(name);
    const found = record?.foundSettings ?? record?.open?.settings;
    if (!record || !found) return null;
    return {
      foundSettings: found,
      lastSet: record.lastSet,
      interrupted: record.unsure || record.open !== null,
    };
  }

  records(): DriverRecord[] {
    return [...this.#drivers.values()];
  }

  learn(entry: Entry): void {
    switch (entry.kind) {
      case 'intent':
        this.#begin(entry.intent);
        return;
      case 'outcome':
        this.#end(entry.outcome);
        return;
      case 'ended':
        this.#forgetOpen(entry.changeId);
        return;
      case 'release':
        this.#drivers.delete(entry.driver);
        return;
      case 'compacted':
        this.lastChangeId = Math.max(this.lastChangeId, entry.lastChangeId);
        this.#drivers.clear();
        for (const record of entry.drivers) this.#drivers.set(record.driver, record);
    }
  }

  #begin(intent: Intent): void {
    const { changeId } = intent.change;
    this.lastChangeId = Math.max(this.lastChangeId, changeId);
    // A second plan within one change records a second intent: those named first keep their first settings.
    const before = this.open.get(changeId);
    const named = new Set(before?.drivers.map((each) => each.driver));
    const added = intent.drivers.filter((each) => !named.has(each.driver));
    this.open.set(changeId, before ? { ...before, drivers: [...before.drivers, ...added] } : intent);
    for (const { driver, settings } of added) {
      const record = closeOpen(this.#drivers.get(driver) ?? unknownDriver(driver));
      this.#drivers.set(driver, { ...record, open: { changeId, settings } });
    }
  }

  #end(outcome: Outcome): void {
    const { changeId } = outcome.change;
    this.lastChangeId = Math.max(this.lastChangeId, changeId);
    const handedBack = new Map(outcome.handedBack.map((each) => [each.driver, each.asBefore]));
    const answers = new Map<string, Answer[]>();
    for (const answer of outcome.answers) {
      answers.set(answer.driver, [...(answers.get(answer.driver) ?? []), answer]);
    }
    const told = this.open.get(changeId)?.drivers.map((each) => each.driver) ?? [];
    for (const driver of new Set([...told, ...answers.keys(), ...handedBack.keys()])) {
      const record = this.#drivers.get(driver) ?? unknownDriver(driver);
      const open = record.open?.changeId === changeId ? record.open : null;
      const given = answers.get(driver) ?? [];
      const before = open?.settings ?? given[0]?.settingsBefore ?? [];
      const rest = open ? { ...record, open: null } : record;
      this.#set(afterOutcome(rest, before, given, handedBack.get(driver)));
    }
    this.open.delete(changeId);
  }

  #forgetOpen(changeId: number): void {
    this.open.delete(changeId);
    for (const record of this.#drivers.values()) {
      if (record.open?.changeId === changeId) this.#set(closeOpen(record));
    }
  }

  #set(record: DriverRecord): void {
    if (record.foundSettings || record.open) this.#drivers.set(record.driver, record);
    else this.#drivers.delete(record.driver);
  }
}

function unknownDriver(driver: string): DriverRecord {
  return { driver, foundSettings: null, lastSet: null, unsure: false, open: null };
}

/** A change whose end was never heard of may have written: what was before it is what was found. */
function closeOpen(record: DriverRecord): DriverRecord {
  if (!record.open) return record;
  return { ...record, foundSettings: record.foundSettings ?? record.open.settings, unsure: true, open: null };
}

function afterOutcome(
  record: DriverRecord,
  before: readonly Setting[],
  answers: readonly Answer[],
  asBefore: boolean | undefined,
): DriverRecord {
  const last = answers.at(-1);
  if (asBefore === true) return record;
  const after = last?.settingsAfter ?? null;
  const moved = after !== null && !sameSettings(before, after);
  // What a refusal, or a failure that left everything as it was, did not write is not ours.
  const wrote =
    moved || answers.some((answer) => answer.verdict !== 'refused' && answer.verdict !== 'failed');
  const lost = asBefore === false || (last !== undefined && (after === null || last.verdict === 'stuck'));
  if (!wrote && !lost) return record;
  return {
    ...record,
    foundSettings: record.foundSettings ?? before,
    lastSet: lost || !last || !after ? record.lastSet : { settings: after, instance: last.instance },
    unsure: lost,
  };
}

function sameSettings(one: readonly Setting[], other: readonly Setting[]): boolean {
  const words = (settings: readonly Setting[]) =>
    settings.map((each) => JSON.stringify([each.name, each.value, each.pending ?? null])).sort();
  const [left, right] = [words(one), words(other)];
  return left.length === right.length && left.every((word, index) => word === right[index]);
}
