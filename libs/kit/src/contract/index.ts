/**
 * Everything that a module's `contract/` folder imports from the kit.
 * @packageDocumentation
 */
export {
  classNameOf,
  IS_JSON_VALUE,
  IsJsonValue,
  isPlainObject,
  JsonCopy,
  type JsonFlaw,
  type JsonValue,
} from './json-value.js';
export { restoreRules } from './kept-rules.js';
export {
  carrierOf,
  enumOf,
  IS_RECORD_OF,
  isForm,
  IsOneOf,
  isOneOf,
  IsRecordOf,
  isRecordOf,
  oneOf,
  recordOf,
  type EnumOf,
  type Form,
  type OneOf,
  type RecordOf,
  type VariantOf,
} from './forms.js';
export { redacted, redactedValue } from './redacted.js';
export { pageOf, type Page } from './page.js';
export type { AccessRule } from './access.js';
export { defineContract, type Contract, type ContractOptions } from './define-contract.js';
export {
  AccessDenied,
  BoundaryCallInTransaction,
  CallCancelled,
  CallerNotAllowed,
  DeadlineExceeded,
  FledgeError,
  InvalidMessage,
  isPassportFlaw,
  ModuleFault,
  ModuleUnavailable,
  PassportRefused,
  StartupError,
  UndeclaredDependency,
  type DenialReason,
  type ErrorDetails,
  type ErrorKind,
  type Outcome,
  type PassportFlaw,
  type UnavailableReason,
  type Violation,
} from './errors.js';
export {
  CALL_LIMITS_DEFAULT,
  type BreakerSettings,
  type CallLimits,
  type CallLimitsByModule,
  type RetryBudgetSettings,
} from './call-limits.js';
export { BODY_MAX_DEFAULT_BYTES, POOL_MAX_DEFAULT, POOL_MAX_LIMIT, REQUEST_TIMEOUT_DEFAULT_MS } from './limits.js';
export {
  CommandContract,
  ContractError,
  DEADLINE_DEFAULT_MS,
  DEADLINE_MAX_MS,
  ErrorContract,
  EventContract,
  errorSpec,
  eventSpec,
  messageSpec,
  QueryContract,
  type Class,
  type Arriving,
  type ArrivingItem,
  type DataKeys,
  type ErrorSpec,
  type EventOptions,
  type EventSpec,
  type Fields,
  type ItemOf,
  type MessageDecorator,
  type MessageOptions,
  type MessageSpec,
  type ResultAgrees,
  type ResultDiffers,
  type ResultItem,
  type ResultValue,
  isNullable,
  nullable,
  type Nullable,
  type ResultType,
  type UnknownFields,
} from './messages.js';
export { routeKey } from './route-prefix.js';
export { describeMessage, jsonSchemaOf, type DescribedMessage, type JsonSchema } from './json-schema.js';
export {
  isOwnCheck,
  nestedShapes,
  shapeOf,
  type Constraint,
  type FieldKind,
  type FieldShape,
  type Shape,
  type UnionShape,
} from './shape.js';
export { ACCESS_TOKEN_TYPE, type AccessTokenRules } from './access-token-rules.js';
export { SigningKey, SigningKeys } from './signing-keys.js';
export { MESSAGE_DEPTH_MAX, MESSAGE_WEIGHT_MAX, WEIGHT } from './weight.js';
