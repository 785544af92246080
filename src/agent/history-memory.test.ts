// What is remembered of a driver (E3): the settings as found, the settings last set, and what is not known.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type SampleAnswer,
  sampleIntent,
  sampleOutcome,
  setting,
} from '../../test/fixtures/history/sample.ts';
import type { Entry } from './history-entry.ts';
import { HistoryMemory } from './history-memory.ts';

const [one, two, three] = [[setting('1')], [setting('2')], [setting('3')]];

function intent(id: number, settings = one): Entry {
  return { kind: 'intent', intent: sampleIntent(id, { redis: settings }) };
}

function outcome(id: number, answer?: SampleAnswer, asBefore?: boolean): Entry {
  const answers = answer ? { redis: answer } : {};
  const handedBack = asBefore === undefined ? [] : [{ driver: 'redis', asBefore, note: null }];
  return { kind: 'outcome', outcome: sampleOutcome(id, answers, handedBack) };
}

function after(...entries: Entry[]) {
  const memory = new HistoryMemory();
  for (const entry of entries) memory.learn(entry);
  return memory.driver('redis');
}

const found = (settings: typeof one, last: typeof one | null, interrupted = false) => ({
  foundSettings: settings,
  lastSet: last && { settings: last, instance: 'run-1' },
  interrupted,
});

test('driver memory: nothing is known of a driver that no change concerned (E3)', () => {
  assert.equal(after(), null);
});

test('driver memory: as found is before the first write, last set is what read back (E3)', () => {
  assert.deepEqual(after(intent(1), outcome(1, { before: one, after: two })), found(one, two));
  assert.deepEqual(
    after(
      intent(1),
      outcome(1, { before: one, after: two }),
      intent(2, two),
      outcome(2, { before: two, after: three }),
    ),
    found(one, three),
  );
});

test('driver memory: the instance that was set is kept, to tell a restart from drift (E3)', () => {
  const memory = after(intent(1), outcome(1, { before: one, after: two, instance: 'run-7' }));
  assert.equal(memory?.lastSet?.instance, 'run-7');
});

test('driver memory: a setting written with the value that was there is ours (E3)', () => {
  assert.deepEqual(after(intent(1), outcome(1, { before: one, after: one })), found(one, one));
});

test('driver memory: partial and deferred answers were written (E3)', () => {
  for (const verdict of ['partial', 'deferred'] as const) {
    assert.deepEqual(after(intent(1), outcome(1, { verdict, before: one, after: two })), found(one, two));
  }
});

test('driver memory: a refusal, or a failure that left all as it was, leaves nothing behind (E3)', () => {
  for (const verdict of ['refused', 'failed'] as const) {
    assert.equal(after(intent(1), outcome(1, { verdict, before: one, after: one })), null);
    assert.deepEqual(
      after(
        intent(1),
        outcome(1, { before: one, after: two }),
        intent(2, two),
        outcome(2, { verdict, before: two, after: two }),
      ),
      found(one, two),
    );
  }
});

test('driver memory: a failure that changed something was a write (E3)', () => {
  const answer = { verdict: 'failed', before: one, after: two } as const;
  assert.deepEqual(after(intent(1), outcome(1, answer)), found(one, two));
});

test('driver memory: a driver that was named and not told leaves nothing behind (E3)', () => {
  assert.equal(after(intent(1), outcome(1)), null);
});

test('driver memory: what cannot be read back, or is stuck, is not known (E3)', () => {
  const unread = { verdict: 'failed', before: one, after: null } as const;
  assert.deepEqual(after(intent(1), outcome(1, unread)), found(one, null, true));
  const stuck = { verdict: 'stuck', before: two, after: two } as const;
  assert.deepEqual(
    after(intent(1), outcome(1, { before: one, after: two }), intent(2, two), outcome(2, stuck)),
    found(one, two, true),
  );
});

test('driver memory: an intent without outcome may have written (E2, E3)', () => {
  assert.deepEqual(after(intent(1)), found(one, null, true));
  assert.deepEqual(after(intent(1), { kind: 'ended', changeId: 1, at: 0 }), found(one, null, true));
  assert.deepEqual(after(intent(1), intent(2, two)), found(one, null, true));
});

test('driver memory: the next write ends what was not known, and keeps what was found (E3)', () => {
  assert.deepEqual(
    after(intent(1), intent(2, two), outcome(2, { before: two, after: three })),
    found(one, three),
  );
});

test('driver memory: a refusal after an interruption ends nothing (E3)', () => {
  const refused = { verdict: 'refused', before: two, after: two } as const;
  assert.deepEqual(after(intent(1), intent(2, two), outcome(2, refused)), found(one, null, true));
});

test('driver memory: settings handed back exactly are as if never written (E3, F3)', () => {
  const answer = { before: one, after: two };
  assert.equal(after(intent(1), outcome(1, answer, true)), null);
  assert.deepEqual(after(intent(1), outcome(1, answer, false)), found(one, null, true));
  assert.deepEqual(
    after(intent(1), outcome(1, answer), intent(2, two), outcome(2, { before: two, after: three }, true)),
    found(one, two),
  );
});

test('driver memory: a driver met only in the outcome is remembered from its answer', () => {
  assert.deepEqual(after(outcome(1, { before: one, after: two })), found(one, two));
});

test('driver memory: release forgets the driver, and the next write finds anew (E3)', () => {
  const release: Entry = { kind: 'release', driver: 'redis', at: 0 };
  assert.equal(after(intent(1), outcome(1, { before: one, after: two }), release), null);
  assert.deepEqual(
    after(
      intent(1),
      outcome(1, { before: one, after: two }),
      release,
      intent(2, three),
      outcome(2, { before: three, after: one }),
    ),
    found(three, one),
  );
});

test('driver memory: a name out of the prototype is a name', () => {
  const memory = new HistoryMemory();
  memory.learn({ kind: 'intent', intent: sampleIntent(1, JSON.parse('{"__proto__":[]}')) });
  assert.deepEqual(memory.driver('__proto__')?.foundSettings, []);
  assert.equal(memory.driver('constructor'), null);
});

test('driver memory: a summary of older entries takes the place of all before it', () => {
  const memory = new HistoryMemory();
  for (const entry of [intent(1), outcome(1, { before: one, after: two })]) memory.learn(entry);
  const drivers = memory.records();
  const other = new HistoryMemory();
  other.learn(intent(1, three));
  other.learn({ kind: 'compacted', at: 0, lastChangeId: 9, drivers });
  assert.deepEqual(other.driver('redis'), memory.driver('redis'));
  assert.equal(other.lastChangeId, 9);
});
