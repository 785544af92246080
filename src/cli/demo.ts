// `hotadd demo`: what the page "Changes to the Amount of Physical Memory" says, shown on a simulated server.
// Nothing outside this process is touched. It is a check too: it fails when a claim does not come true.
import { nearestWord } from '../agent/nearest-word.ts';
import { HotaddError } from '../core/errors.ts';
import { type Command, EXIT, type Given, JSON_OPTION } from './command.ts';
import { SCENARIO_NAMES, type ScenarioName } from './demo/scenario-names.ts';
import { stepText } from './demo/step-text.ts';

const INTRO = [
  'What the page "Changes to the Amount of Physical Memory" says, on a simulated',
  'server. The code that senses, plans, resizes and proves is the real one; every',
  'line marked ok, with the number of its statement, was looked up in this run.',
];

export const demo: Command = {
  name: 'demo',
  summary: 'Two partitions of a simulated server, and what software does as memory moves.',
  about:
    'The server and its time are simulated; the code that senses, plans, resizes and proves is the real ' +
    'one, and one of the caches holds real memory of this process. Needs no root, no server and no ' +
    'configuration, and touches nothing outside its own process. Fails when anything that it claims does ' +
    'not come true.',
  examples: ['demo', 'demo --scenario planned-shrink --seed 7', 'demo --json'],
  arguments: [],
  options: [
    { form: '--scenario <name>', summary: `${SCENARIO_NAMES.join(', ')} (default: page)` },
    { form: '--seed <n>', summary: 'another server: sizes, order and delays; the same seed, the same story' },
    { ...JSON_OPTION, summary: 'print each step as JSON, one value a line' },
  ],
  run: async (given, output) => {
    const name = scenarioOf(given);
    const seed = given.wholeNumber('seed') ?? 1;
    // Nobody reads any more: nothing here has to be brought to an end.
    output.unread.addEventListener('abort', () => process.exit(EXIT.done), { once: true });
    const { play } = await import('./demo/play.ts');
    const { SCENARIOS } = await import('./demo/scenarios.ts');
    if (!output.json) for (const line of INTRO) output.line(line);
    const passed = await play(SCENARIOS[name], {
      name,
      seed,
      emit: (step) => {
        if (output.json) return output.value('demo', step);
        for (const line of stepText(step, (style, text) => output.style(style, text))) output.line(line);
      },
    });
    return passed ? EXIT.done : EXIT.failed;
  },
};

/** @throws HotaddError HOTADD_BAD_USAGE naming those there are. */
function scenarioOf(given: Given): ScenarioName {
  const name = given.option('scenario') ?? 'page';
  const found = SCENARIO_NAMES.find((one) => one === name);
  if (found !== undefined) return found;
  const meant = nearestWord(name, SCENARIO_NAMES);
  throw new HotaddError('HOTADD_BAD_USAGE', `there is no scenario "${name}"`, {
    place: '--scenario',
    mend: `${meant === null ? '' : `did you mean ${meant}? `}there are ${SCENARIO_NAMES.join(', ')}`,
  });
}
