import { type MsgImpl, type NatsConnectionImpl, type Parser, State } from '@nats-io/transport-node';
import type { WireMessage } from './wire-message.js';
import { give, type Take } from './wire.js';

type Protocol = NatsConnectionImpl['protocol'];

const [CR, LF, SPACE, ZERO, NINE, H, M] = [13, 10, 32, 48, 57, 72, 77];
const EMPTY = Buffer.alloc(0);

/**
 * Runs before the client's parser. A message that is complete in a chunk and belongs to a subscription made here is
 * read in place, whereas the client's parser creates six typed arrays and three objects for it, in two passes.
 * Everything else, from a server's `PING` to a message cut in two, goes to that parser, which also keeps the state of
 * incomplete messages.
 */
export class MessageReader {
  private readonly takes = new Map<number, Take>();
  private readonly delivery: WireMessage = {
    subject: EMPTY,
    subjectStart: 0,
    subjectEnd: 0,
    reply: EMPTY,
    replyStart: 0,
    replyEnd: 0,
    data: EMPTY,
    dataStart: 0,
    bodyStart: 0,
    dataEnd: 0,
  };
  /** The client's own parser; there is a new one for each connection to a server. */
  private parser: Parser;

  constructor(private readonly protocol: Protocol) {
    this.parser = protocol.parser;
    const front = { parse: (chunk: Uint8Array) => this.read(bufferOf(chunk)) } as Parser;
    Object.defineProperty(protocol, 'parser', { get: () => front, set: (parser: Parser) => (this.parser = parser) });
  }

  /** Passes the messages of the subscription with this id to `take` from now on. */
  add(sid: number, take: Take): void {
    this.takes.set(sid, take);
  }

  remove(sid: number): void {
    this.takes.delete(sid);
  }

  /** Passes on a message that came through the client's parser. */
  hand({ _msg, _rdata }: MsgImpl, take: Take): void {
    const { delivery } = this;
    delivery.subject = bufferOf(_msg.subject);
    delivery.subjectStart = 0;
    delivery.subjectEnd = _msg.subject.length;
    delivery.reply = _msg.reply ? bufferOf(_msg.reply) : EMPTY;
    delivery.replyStart = 0;
    delivery.replyEnd = delivery.reply.length;
    delivery.data = bufferOf(_rdata);
    delivery.dataStart = 0;
    delivery.bodyStart = Math.max(0, _msg.hdr);
    delivery.dataEnd = _rdata.length;
    give(this.delivery, take);
  }

  private read(chunk: Buffer): void {
    let at = 0;
    if (this.parser.state === State.OP_START) {
      while (at < chunk.length) {
        const end = this.message(chunk, at);
        if (end === 0) break;
        at = end;
      }
    }
    if (at < chunk.length) this.parser.parse(at === 0 ? chunk : chunk.subarray(at));
  }

  /**
   * Takes the message that starts at `start`: `MSG <subject> <sid> [reply] <size>` or `HMSG <subject> <sid> [reply]
   * <headers' size> <size>`, a line break, the data, a line break. Returns where the next one starts, or 0 if this one
   * must go to the client's parser.
   */
  private message(chunk: Buffer, start: number): number {
    const headed = chunk[start] === H;
    let at = headed ? start + 1 : start;
    if (chunk[at] !== M || chunk[at + 3] !== SPACE) return 0;
    const { delivery } = this;
    const subjectStart = (at += 4);
    while (at < chunk.length && (chunk[at] as number) > SPACE) at++;
    const subjectEnd = at++;
    let sid = 0;
    for (; isDigit(chunk[at]); at++) sid = sid * 10 + (chunk[at] as number) - ZERO;
    if (chunk[at] !== SPACE) return 0;
    const take = this.takes.get(sid);
    if (take === undefined) return 0;
    // Every server separates words with one space; a line with other spaces goes to the client's parser.
    let [replyStart, replyEnd] = [0, 0];
    const line = ++at;
    let words = 1;
    for (; at < chunk.length && chunk[at] !== CR; at++) if (chunk[at] === SPACE) words++;
    if (chunk[at] !== CR || chunk[at + 1] !== LF || words > 3) return 0;
    const dataStart = at + 2;
    at = line;
    if (words === (headed ? 3 : 2)) {
      replyStart = at;
      while (chunk[at] !== SPACE) at++;
      replyEnd = at++;
    } else if (words !== (headed ? 2 : 1)) return 0;
    let headersSize = 0;
    if (headed) {
      for (; isDigit(chunk[at]); at++) headersSize = headersSize * 10 + (chunk[at] as number) - ZERO;
      if (chunk[at++] !== SPACE) return 0;
    }
    let size = 0;
    for (; isDigit(chunk[at]); at++) size = size * 10 + (chunk[at] as number) - ZERO;
    const dataEnd = dataStart + size;
    if (
      chunk[at] !== CR ||
      headersSize > size ||
      dataEnd + 2 > chunk.length ||
      chunk[dataEnd] !== CR ||
      chunk[dataEnd + 1] !== LF
    )
      return 0;
    delivery.subject = delivery.reply = delivery.data = chunk;
    delivery.subjectStart = subjectStart;
    delivery.subjectEnd = subjectEnd;
    delivery.replyStart = replyStart;
    delivery.replyEnd = replyEnd;
    delivery.dataStart = dataStart;
    delivery.bodyStart = dataStart + headersSize;
    delivery.dataEnd = dataEnd;
    this.protocol.inMsgs++;
    this.protocol.inBytes += size;
    give(this.delivery, take);
    return dataEnd + 2;
  }
}

/** The same bytes as a Buffer: what the client has joined from several chunks is not one. */
function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}
