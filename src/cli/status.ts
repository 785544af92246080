// `hotadd status`: the agent that runs, what it is doing, and what it has to say.
import { type AgentStatus, reachAgent } from './agent-door.ts';
import { amount, columns, plural } from './columns.ts';
import { CONFIG_OPTION, type Command, EXIT, JSON_OPTION } from './command.ts';
import { findConfig } from './config-place.ts';
import { numbersText, offlineText } from './memory-text.ts';

export const status: Command = {
  name: 'status',
  summary: 'The agent: what it looks after, whether it applies, what is under way.',
  about: 'Asks the agent on its control socket, in the run folder of the configuration.',
  examples: ['status'],
  arguments: [],
  options: [CONFIG_OPTION, JSON_OPTION],
  run: async (given, output) => {
    const { config } = await findConfig(given);
    const agent = await reachAgent(config);
    if (output.json) output.value('status', agent.status);
    else for (const line of statusText(agent.status)) output.line(line);
    return EXIT.done;
  },
};

function statusText(seen: AgentStatus): string[] {
  const { change, memory } = seen;
  const doing = change === null ? seen.state : `${seen.state}: change ${change.changeId}, ${change.cause}`;
  const rows = [
    ['agent', `pid ${seen.pid}, ${seen.apply ? 'applies' : 'apply: false, it only plans and reports'}`],
    ['partition', seen.partition],
    ['state', doing],
    ['planned for', amount(seen.plannedForBytes)],
    ['history', seen.history ?? 'none is kept without apply: true'],
    ['drivers', plural(seen.drivers.length, 'driver')],
  ];
  const drivers = seen.drivers.map(({ name, stuck, costBytes }) => [
    `  ${name}`,
    amount(costBytes),
    stuck ? 'STUCK: an earlier call has not returned' : '',
  ]);
  return [
    ...columns(rows),
    ...columns(drivers, [1]),
    '',
    ...numbersText(memory),
    ...offlineText(seen.offlineBlocks),
    ...Object.entries(seen.problems).map(([what, problem]) => `${what}: ${problem}`),
    ...seen.slowListeners.map(({ name, busyMs, longestMs }) => {
      const since = busyMs > 0 ? `busy for ${busyMs / 1000} s` : `was busy for ${longestMs / 1000} s`;
      return `slow listener: ${name}, ${since}`;
    }),
    ...seen.listenerErrors.map(({ name, error }) => `listener ${name} failed: ${error}`),
    ...seen.warnings.map((warning) => `warning: ${warning}`),
  ];
}
