// The scenarios by name, apart from what they do: the help of the command names them without loading them.

export const SCENARIO_NAMES = [
  'page',
  'two-partitions',
  'refuses',
  'hangs',
  'hot-replace',
  'parked',
  'pools',
  'planned-shrink',
  'windows',
  'static',
] as const;

export type ScenarioName = (typeof SCENARIO_NAMES)[number];
