// `hotadd history`: what was done and what came of it, newest first. It reads the state folder, with or
// without an agent.
import type { HistoryEntry } from '../agent/history-reading.ts';
import { formatBytes } from '../core/bytes.ts';
import { findAgent } from './agent-door.ts';
import { CONFIG_OPTION, type Command, EXIT, type Given, JSON_OPTION } from './command.ts';
import { type FoundConfig, findConfig } from './config-place.ts';

const DEFAULT_LIMIT = 20;

export const history: Command = {
  name: 'history',
  summary: 'Changes and what came of them, newest first.',
  about:
    'Reads the state folder, with or without an agent. A change that was begun and has no outcome is ' +
    'running, or was interrupted.',
  examples: ['history --limit 5', 'history --driver cache --json'],
  arguments: [],
  options: [
    { form: '--limit <count>', summary: `how many changes (default: ${DEFAULT_LIMIT})` },
    { form: '--driver <name>', summary: 'only changes that concern this driver' },
    CONFIG_OPTION,
    JSON_OPTION,
  ],
  run: async (given, output) => {
    const limit = given.count('limit') ?? DEFAULT_LIMIT;
    const driver = given.option('driver');
    const found = await findConfig(given);
    const { readHistory } = await import('../agent/history-reading.ts');
    const reading = await readHistory(found.config.stateFolder);
    const choice = { limit, ...(driver === null ? {} : { driver }) };
    const entries = await markRunning(await reading.entries(choice), found);
    if (output.json) {
      output.value('history', { entries, broken: reading.broken, setAside: reading.setAside });
      return EXIT.done;
    }
    if (entries.length === 0) output.line(nothing(given, found));
    for (const entry of entries) output.line(entryText(entry));
    for (const { line, problem } of reading.broken) output.line(`line ${line} cannot be read: ${problem}`);
    return EXIT.done;
  },
};

/** From the file alone, a change under way looks like one that was interrupted: the agent knows. */
async function markRunning(entries: HistoryEntry[], { config }: FoundConfig): Promise<HistoryEntry[]> {
  if (!entries.some(({ outcome }) => outcome === 'interrupted')) return entries;
  const agent = await findAgent(config).catch(() => null);
  const running = agent?.status.change?.changeId ?? null;
  return entries.map((entry) => {
    const isRunning = entry.outcome === 'interrupted' && entry.intent.change.changeId === running;
    return isRunning ? { ...entry, outcome: 'running' } : entry;
  });
}

function entryText({ intent, outcome }: HistoryEntry): string {
  const { change, startedAt } = intent;
  const head = `${new Date(startedAt).toISOString()} ${change.changeId}`;
  if (typeof outcome === 'object') return `${head} ${outcome.result}: ${outcome.report}`;
  const { kind, fromBytes, toBytes, cause } = change;
  const what = `${kind} (${formatBytes(fromBytes)} -> ${formatBytes(toBytes)}, ${cause})`;
  const asked = intent.drivers.map(({ driver, budgetBytes }) => `${driver} to ${formatBytes(budgetBytes)}`);
  return `${head} ${outcome}: ${what}${asked.length === 0 ? '' : `: asked ${asked.join(', ')}`}`;
}

function nothing(given: Given, { config }: FoundConfig): string {
  const driver = given.option('driver');
  const which = driver === null ? '' : ` that concerns ${driver}`;
  return `no change${which} is in the history in ${config.stateFolder}`;
}
