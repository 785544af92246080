// The log of a replay, in words: what the world is like at first, and what each step does to it.
import { formatBytes } from '../../src/core/bytes.ts';
import type { Setting, Target } from '../../src/core/driver.ts';
import type { Act, Scenario } from './scenario.ts';

type Sentences = { readonly [Name in Act['act']]: (given: Extract<Act, { act: Name }>) => string };

/** A line for the world of a scenario, and one for each of its stores. */
export function describe(scenario: Scenario): string[] {
  const { partition, bootBytes, limitBytes, reserveBytes, stores } = scenario;
  const within = partition === 'cgroup' ? `, its cgroup with a limit of ${formatBytes(limitBytes)}` : '';
  const reserve = reserveBytes === null ? 'the default reserve' : `a reserve of ${formatBytes(reserveBytes)}`;
  const { online, autoOnline, onDrift } = scenario;
  const rules = `${reserve}; online: ${online}, auto_online_blocks ${autoOnline}, onDrift: ${onDrift}`;
  return [
    `seed ${scenario.seed}: a machine of ${formatBytes(bootBytes)}${within}; ${rules}`,
    ...stores.map(
      ({ name, limitBytes: own, overheadBytes, floorBytes, ceilingBytes, contentBytes, weight }) => {
        const limit = `limit ${formatBytes(own)} + ${formatBytes(overheadBytes)}`;
        const sizes = `${limit}, wants ${formatBytes(contentBytes)}`;
        const ceiling = ceilingBytes === null ? 'no ceiling' : `ceiling ${formatBytes(ceilingBytes)}`;
        return `  ${name}: ${sizes}; floor ${formatBytes(floorBytes)}, ${ceiling}, weight ${weight}`;
      },
    ),
  ];
}

export function sentenceOf(act: Act, scenario: Scenario): string {
  const say = SENTENCES[act.act] as (given: Act) => string;
  const isIdle = act.act === 'write limit' && scenario.partition === 'machine';
  const { length } = scenario.stores;
  const who = 'store' in act ? `${scenario.stores[act.store % length]?.name ?? ''} ` : '';
  return `${who}${say(act)}${isIdle ? ' (there is no cgroup)' : ''}`;
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(3)} s`;
const percent = (share: number) => `${Math.round(share * 100)} %`;

const SENTENCES: Sentences = {
  'add module': ({ bytes, startsBytes }) => {
    const part = startsBytes < bytes ? `, of which ${formatBytes(startsBytes)} start` : '';
    return `a module of ${formatBytes(bytes)} is added${part}`;
  },
  'remove module': ({ module }) => `added module number ${module + 1}, counted round, is taken out`,
  'replace module': ({ module }) =>
    `added module number ${module + 1}, counted round, is replaced by a spare`,
  'bring online': () => 'somebody brings all memory online',
  'write limit': ({ bytes, of }) => {
    const limit = bytes === 'max' ? bytes : formatBytes(bytes);
    return `memory.max of ${of === 'own' ? 'the cgroup' : 'the cgroup above'} is written: ${limit}`;
  },
  'ask for a planned change': ({ share }) => `an operator asks for ${percent(share)} of usable memory`,
  'others use': ({ bytes }) => `others come to use ${formatBytes(bytes)}`,
  fill: ({ bytes }) => `wants to keep ${formatBytes(bytes)}`,
  misbehave: ({ as, forMs }) => `resizes like this for ${seconds(forMs)}: ${as}`,
  'read badly': ({ as, forMs }) => `answers reads like this for ${seconds(forMs)}: ${as}`,
  'set by hand': ({ bytes }) => `is set to ${formatBytes(bytes)} by hand`,
  'restart store': () => 'restarts',
  crash: ({ crossings, downMs }) =>
    `the agent dies ${crossings} calls from now, and is away for ${seconds(downMs)}`,
  'cut power': ({ crossings, downMs }) =>
    `the machine loses power ${crossings} calls from now, and the agent is away for ${seconds(downMs)}`,
  'close agent': ({ downMs }) => `the agent is closed for ${seconds(downMs)}`,
  'files fail': ({ path, code, forMs }) => `files with "${path}" fail with ${code} for ${seconds(forMs)}`,
  hints: ({ lost, told, twice, lateMs }) => {
    const shares = `${percent(lost)} lost, ${percent(told)} told to be lost, ${percent(twice)} twice`;
    return `hints from now on: ${shares}, up to ${seconds(lateMs)} late`;
  },
  'disk fails': ({ code, forMs }) => `the disk fails with ${code} for ${seconds(forMs)}`,
  visit: ({ forMs, throws, existing }) => {
    const who = throws ? 'a visitor who throws' : 'a visitor';
    return `${who} registers${existing ? ' with existing' : ''} for ${seconds(forMs)}`;
  },
  release: () => 'is released by an operator',
};

/** A budget, or settings, for people. */
export function textOf(target: Target): string {
  if ('bytes' in target) return formatBytes(target.bytes);
  return target.settings.map(settingText).join(', ');
}

function settingText({ name, value, pending }: Setting): string {
  const later = pending === undefined ? '' : `, ${inBytes(pending)} after a restart`;
  return `${name} ${inBytes(value)}${later}`;
}

function inBytes(value: string | null): string {
  return value === null ? 'unset' : formatBytes(Number(value));
}
