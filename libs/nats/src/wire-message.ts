import { isAscii } from 'node:buffer';

/**
 * A message as received, with the positions of its parts. The object is reused for all messages of a connection, so
 * read it before returning from the callback.
 */
export interface WireMessage {
  subject: Buffer;
  subjectStart: number;
  subjectEnd: number;
  /** Without a reply subject, start and end are equal. */
  reply: Buffer;
  replyStart: number;
  replyEnd: number;
  /** Headers, if any, then the payload. */
  data: Buffer;
  dataStart: number;
  /** Where the headers end; `dataStart` if there are none. */
  bodyStart: number;
  dataEnd: number;
}

/** The headers as received, from `NATS/1.0` to the empty line; empty if there are none. */
export function headersOf({ data, dataStart, bodyStart }: WireMessage): string {
  return text(data, 'latin1', dataStart, bodyStart);
}

/** Whether there are headers. */
export function hasHeaders({ dataStart, bodyStart }: WireMessage): boolean {
  return bodyStart > dataStart;
}

/** The payload as text. */
export function bodyOf({ data, bodyStart, dataEnd }: WireMessage): string {
  if (bodyStart === dataEnd) return '';
  return text(data, isAscii(data.subarray(bodyStart, dataEnd)) ? 'latin1' : 'utf8', bodyStart, dataEnd);
}

/** The subject to reply to; empty if nobody waits for an answer. */
export function replyOf({ reply, replyStart, replyEnd }: WireMessage): string {
  return text(reply, 'latin1', replyStart, replyEnd);
}

/** The subject from `offset` on. */
export function subjectTail({ subject, subjectStart, subjectEnd }: WireMessage, offset: number): string {
  return text(subject, 'latin1', subjectStart + offset, subjectEnd);
}

/** The decimal number in which the subject ends, from `offset` on. */
export function subjectNumber({ subject, subjectStart, subjectEnd }: WireMessage, offset: number): number {
  let number = 0;
  for (let i = subjectStart + offset; i < subjectEnd; i++) number = number * 10 + (subject[i] as number) - 48;
  return number;
}

/** Whether the subject has `expected` at `offset`. */
export function subjectHas(
  { subject, subjectStart, subjectEnd }: WireMessage,
  offset: number,
  expected: string,
): boolean {
  const start = subjectStart + offset;
  if (start + expected.length > subjectEnd) return false;
  for (let i = 0; i < expected.length; i++) if (subject[start + i] !== expected.charCodeAt(i)) return false;
  return true;
}

function text(bytes: Buffer, encoding: 'latin1' | 'utf8', start: number, end: number): string {
  return start >= end ? '' : bytes.toString(encoding, start, end);
}
