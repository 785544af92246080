// Pressure (S10): it holds back growth and is reported; it is never a change of memory. PSI tells stalls, and
// a counter tells OOM kills. Sources: Documentation/accounting/psi.rst, cgroup-v2.rst, cgroup-v1/memory.rst.
import { type ControlGroup, CONTROL_FILES as FILES } from '../core/control-group.ts';
import { HotaddError } from '../core/errors.ts';
import type { Machine } from '../core/machine.ts';
import type { Pressure, StaleReading } from '../core/memory.ts';
import { numberOf } from './keyed-text.ts';
import { Kept } from './reading.ts';

const HOST_PRESSURE = '/proc/pressure/memory';
// oom_kill is in vmstat since 4.13.
const HOST_COUNTERS = '/proc/vmstat';

/** @throws HotaddError HOTADD_BAD_KERNEL_FILE */
export function parsePressure(text: string, place: string): { some: number | null; full: number | null } {
  const some = /^some avg10=(\d+(?:\.\d+)?)/m.exec(text);
  const full = /^full avg10=(\d+(?:\.\d+)?)/m.exec(text);
  if (some === null) throw new HotaddError('HOTADD_BAD_KERNEL_FILE', 'there is no "some avg10="', { place });
  return { some: Number(some[1]), full: full === null ? null : Number(full[1]) };
}

/** A `Pressure`, or `null` where the machine has none of it. */
export function pressureReader(machine: Machine, group: ControlGroup | null) {
  const stalls = new Kept<{ some: number | null; full: number | null }>();
  const kills = new Kept<number | null>();
  const stallFile = stallFileOf(group);
  const killFile = killFileOf(group);
  return (stale: StaleReading[]): Pressure | null => {
    const stall = stallFile
      ? stalls.takeIfAny(stallFile, () => parsePressure(machine.readText(stallFile), stallFile), stale)
      : null;
    const killed = kills.takeIfAny(killFile, () => numberOf(machine.readText(killFile), 'oom_kill'), stale);
    if (stall === null && killed === null) return null;
    return { someAvg10: stall?.some ?? null, fullAvg10: stall?.full ?? null, oomKills: killed };
  };
}

/** v1 has no PSI: on a hybrid host the v2 file of the same name is about other processes. */
function stallFileOf(group: ControlGroup | null): string | null {
  if (group === null) return HOST_PRESSURE;
  return group.version === 2 ? `${group.folder}/${FILES.pressure}` : null;
}

function killFileOf(group: ControlGroup | null): string {
  if (group === null) return HOST_COUNTERS;
  return `${group.folder}/${group.version === 2 ? FILES.events : FILES.v1OomControl}`;
}
