// What the primary of a cluster and its workers say to each other when one is to leave.

export interface LeaveMessage {
  readonly hotadd: 'can leave' | 'leave' | 'has left';
}

/** `null`: it is a message of the program. */
export function messageIn(message: unknown): LeaveMessage['hotadd'] | null {
  if (typeof message !== 'object' || message === null || !('hotadd' in message)) return null;
  return (message as LeaveMessage).hotadd;
}
