export { CURSOR_CHARS_MAX, decodeCursor, encodeCursor } from './cursor.js';
export { docsPage } from './docs-page.js';
export { EntityTag, IfMatch, type Precondition, type VersionOf } from './entity-tag.js';
export {
  Forbidden,
  IdempotencyKeyReused,
  InvalidRequest,
  PreconditionFailed,
  RateLimited,
  RequestInFlight,
  Unauthenticated,
} from './errors.js';
export { Idempotent, type IdempotentOptions } from './idempotent.js';
export { HttpListener, KEEP_ALIVE_MS, type RequestHandler, type UpgradeHandler } from './listener.js';
export { mergeOpenApi, type OpenApiDocument } from './merged-openapi.js';
export { describeModules, refusesUnknownFields } from './openapi.js';
export { packageFolder } from './package-folder.js';
export { PathOwners } from './path-owners.js';
export { PageRequest } from './page-request.js';
export { httpProblem, PROBLEM_TYPE, problemOf, statusOf, type Problem } from './problem.js';
export { ProblemFilter, type ProblemMode } from './problem.filter.js';
export { expressPlatform } from './express-platform.js';
export { fastifyPlatform, type HttpPlatform, type PlatformName, type PlatformOptions } from './platform.js';
export { type EndedRequest, type RefusalReason, type RequestMeter } from './request-meter.js';
export { traceparentOf } from './trace.js';
export type { GatewayClient } from './ws-answer.js';
export { RateLimit, type RateLimitOptions } from './rate-limit.js';
export { RequestLimits, RequestValidation } from './request-validation.js';
