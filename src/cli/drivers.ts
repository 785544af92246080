// `hotadd drivers`: each driver of the agent as it reads now: what it may take, what it holds, and its
// bounds.
import type { driversOf } from '../agent/api-views.ts';
import { formatBytes } from '../core/bytes.ts';
import { reachAgent } from './agent-door.ts';
import { amount, columns } from './columns.ts';
import { CONFIG_OPTION, type Command, EXIT, JSON_OPTION } from './command.ts';
import { findConfig } from './config-place.ts';

type DriversView = Awaited<ReturnType<typeof driversOf>>;
type DriverView = DriversView['drivers'][number];

export const drivers: Command = {
  name: 'drivers',
  summary: "The agent's drivers as they read now: cost, held, floor, ceiling, settings.",
  about:
    'Cost is what a driver may come to take, held the real memory it holds. A driver that cannot be read ' +
    'is named with the reason, and the exit code is 64.',
  examples: ['drivers --json'],
  arguments: [],
  options: [CONFIG_OPTION, JSON_OPTION],
  run: async (given, output) => {
    const { config } = await findConfig(given);
    const agent = await reachAgent(config);
    const view = await agent.get<DriversView>('/v1/drivers');
    if (output.json) output.value('drivers', view);
    else for (const line of driversText(view)) output.line(line);
    return view.drivers.every(({ error }) => error === null) ? EXIT.done : EXIT.partly;
  },
};

function driversText({ drivers: seen }: DriversView): string[] {
  if (seen.length === 0) return ['no driver is configured'];
  const head = ['driver', 'cost', 'held', 'floor', 'ceiling'];
  const rows = seen.map(({ name, state }) => {
    if (state === null) return [name, 'not known'];
    const ceiling = state.ceilingBytes === null ? 'none' : formatBytes(state.ceilingBytes);
    const numbers = [amount(state.costBytes), amount(state.heldBytes), amount(state.floorBytes)];
    return [name, ...numbers, state.ceilingBytes === 0 ? 'follows' : ceiling];
  });
  return [...columns([head, ...rows], [1, 2, 3, 4]), '', ...seen.flatMap(detailsText)];
}

function detailsText({ name, state, error, stuck, foundSettings }: DriverView): string[] {
  const settings = (state?.settings ?? []).map(({ name: setting, value, pending }) => {
    const found = foundSettings?.find((each) => each.name === setting)?.value;
    const was = found === undefined || found === value ? '' : ` (found as ${found ?? 'unset'})`;
    const later = pending === undefined ? '' : ` (${pending} after a restart)`;
    return `${name}: ${setting} ${value ?? 'unset'}${was}${later}`;
  });
  const why = Object.entries(state?.why ?? {}).map(([number, reason]) => `${name}: ${number}: ${reason}`);
  return [
    ...(stuck ? [`${name}: STUCK: an earlier call has not returned`] : []),
    ...(error === null ? [] : [`${name}: cannot be read: ${error}`]),
    ...settings,
    ...why,
  ];
}
