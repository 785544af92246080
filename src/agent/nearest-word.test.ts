// What was meant by a mistyped word.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestWord } from './nearest-word.ts';

const WORDS = ['weight', 'min', 'max', 'onDrift', 'drivers', 'passwordFile'];

test('nearest word: a letter too many, missing, wrong or swapped still names the word', () => {
  for (const typed of ['weightt', 'wight', 'weigth', 'wieght', 'Weight', 'vveight']) {
    assert.equal(nearestWord(typed, WORDS), 'weight', typed);
  }
  assert.equal(nearestWord('mni', WORDS), 'min');
  assert.equal(nearestWord('password-file', WORDS), 'passwordFile');
});

test('nearest word: something else altogether names none', () => {
  for (const typed of ['', 'colour', 'x', 'wait a moment', 'weighing-machine']) {
    assert.equal(nearestWord(typed, WORDS), null, typed);
  }
});
