import { isAscii } from 'node:buffer';

/**
 * A message as it came off the wire: where its parts lie. There is one for all messages of a connection, so read it
 * before returning from the callback.
 */
export interface WireMessage {
  subject: Buffer;
  subjectStart: number;
  subjectEnd: number;
  /** Without a reply, start and end are one. */
  reply: Buffer;
  replyStart: number;
  replyEnd: number;
  /** Headers, if any, then the payload. */
  data: Buffer;
  dataStart: number;
  /** Where the headers end; `dataStart` when there are none. */
  bodyStart: number;
  dataEnd: number;
}

/** The headers as they stand on the wire, from `NATS/1.0` to the empty line; empty when there are none. */
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

/** Where to answer; empty when nobody waits for one. */
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

function text(bytes: Buffer, encoding: 'latin1' | 'utf8', start: number, end: number): string {
  return start >= end ? '' : bytes.toString(encoding, start, end);
}
