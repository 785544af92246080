// A step as lines of 80 columns: the simulated time, who it is about, and what there is to say.
import { wrap } from '../columns.ts';
import type { Step } from './step.ts';

/** Colours a part of a line. */
export type Paint = (style: 'bold' | 'dim' | 'green' | 'red' | 'cyan', text: string) => string;

const WIDTH = 80;
/** Where a line's columns begin: who it is about, what is said of it, and the text of a claim. */
const WHO = 9;
const SAID = 19;
const CLAIM = 12;

export function stepText(step: Step, paint: Paint): string[] {
  switch (step.step) {
    case 'scene':
      return ['', ...wrap(step.text, WIDTH).map((line) => paint('bold', line))];
    case 'claim':
      return claimText(step, paint);
    case 'statement':
      return [statementText(step, paint)];
    case 'end':
      return wrap(step.text, WIDTH).map((line) => paint(step.data?.passed ? 'green' : 'red', line));
    default: {
      const time = step.step === 'stayed' ? '' : `${(step.atMs / 1000).toFixed(1)} s`;
      const who = (step.who ?? '').padEnd(SAID - WHO - 1);
      const head = `${paint('dim', time.padStart(WHO - 2))}  ${paint('cyan', who)} `;
      return hanging(head, step.text, SAID);
    }
  }
}

function claimText({ text, data }: Step, paint: Paint): string[] {
  const number = paint('dim', `(${data?.statement})`);
  const verdict = data?.holds === true ? paint('green', '     ok') : paint('red', '  FALSE');
  return hanging(`${verdict} ${number} `, text, CLAIM);
}

function statementText({ text, data }: Step, paint: Paint): string {
  const { statement, claims, held } = data ?? {};
  const score = `${held} of ${claims}`;
  const said = text.padEnd(WIDTH - 6 - score.length);
  return `  (${statement}) ${said}${paint(held === claims ? 'green' : 'red', score)}`;
}

/** @param head as wide as `column`; colours in it take no room. */
function hanging(head: string, text: string, column: number): string[] {
  const [first = '', ...more] = wrap(text, WIDTH - column);
  return [head + first, ...more.map((line) => ' '.repeat(column) + line)];
}
