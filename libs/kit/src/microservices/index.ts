/**
 * For applications that use `@nestjs/microservices`: clients that call modules, and handlers of patterns in modules.
 * @packageDocumentation
 */
export { CannotEmit, PlainAnswer, UnknownTarget } from './errors.js';
export { FledgeClient, type FledgeClientOptions } from './fledge-client.js';
export { FledgeContext } from './fledge-context.js';
export { FLEDGE_TRANSPORT, FledgeStrategy } from './fledge-strategy.js';
export {
  FledgeDeserializer,
  fledgeOverNats,
  FledgeSerializer,
  patternSubjectOf,
  subjectOf,
  type FledgeOverNats,
  type FledgeOverNatsOptions,
  type ReplyPacket,
  type RequestPacket,
} from './nats-wire.js';
export { RemoteError } from '../transport/index.js';
