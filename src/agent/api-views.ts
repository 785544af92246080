// What the API and the one-shot commands show of an agent: plain values, the same in both.
import type { Policy } from '../core/registry.ts';
import { costsOf, type Survey, unclaimedOf } from '../core/survey.ts';
import type { Agent } from './agent.ts';

const SLOW_MS = 1_000;

export function statusOf(agent: Agent) {
  const { partition, config, history } = agent;
  const { notifier, registry, sensor } = partition;
  return {
    schema: 'hotadd.status/1',
    pid: process.pid,
    partition: partition.identity,
    bootId: sensor.bootId,
    apply: config.apply,
    state: notifier.state,
    change: notifier.change,
    plannedForBytes: notifier.plannedForBytes,
    memory: partition.memory,
    offlineBlocks: sensor.offlineBlocks(),
    drivers: registry.members.map(({ name, shell }) => ({
      name,
      stuck: shell.stuck,
      costBytes: shell.state?.costBytes ?? null,
    })),
    slowListeners: registry.slowListeners(SLOW_MS),
    listenerErrors: registry.listenerErrors(),
    /** What holds now: a driver that cannot be read or is left alone, memory that cannot be read. */
    problems: Object.fromEntries(agent.notices.problems),
    warnings: agent.warnings,
    history: history?.path ?? null,
  };
}

/** Each driver as it reads now, with its policy. */
export async function driversOf(agent: Agent) {
  const look = await agent.partition.plan();
  return {
    schema: 'hotadd.drivers/1',
    drivers: look.readings.map(({ member, state, error }) => ({
      name: member.name,
      policy: member.policy satisfies Policy,
      stuck: member.shell.stuck,
      state,
      error,
      foundSettings: agent.history?.driver(member.name)?.foundSettings ?? null,
    })),
  };
}

/** The plan as memory is, or as it would be under another limit. */
export async function planOf(agent: Agent, limitBytes?: number) {
  const look = await agent.partition.plan(limitBytes);
  return { schema: 'hotadd.plan/1', ...planView(look) };
}

export function planView(look: Survey) {
  const { memory, plan, readings } = look;
  // Of a driver that was never read nothing is known: that is not 0.
  const budgets = plan.budgets.map((budget, index) =>
    readings[index]?.state === null ? { ...budget, costBytes: null, budgetBytes: null } : budget,
  );
  return {
    memory,
    plan: { ...plan, budgets },
    costsBytes: costsOf(look),
    unclaimed: unclaimedOf(look),
    errors: readings.flatMap(({ member, error }) => (error === null ? [] : [{ driver: member.name, error }])),
  };
}
