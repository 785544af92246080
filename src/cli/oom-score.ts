// An agent that the kernel kills for want of memory cannot help anybody (E8): it asks to be among the last.
// Only root may lower the score; who may not keeps the usual one. The agent starts no children, which would
// inherit it. Source: proc_pid_oom_score_adj(5).
import { writeFileSync } from 'node:fs';

const SCORE = '-900';

/** True when the kernel took it. */
export function lowerOomScore(): boolean {
  try {
    writeFileSync('/proc/self/oom_score_adj', SCORE);
    return true;
  } catch {
    return false;
  }
}
