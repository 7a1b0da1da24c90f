export { GuardMetrics } from './guard-metrics.js';
export { CallMetrics } from './call-metrics.js';
export { expose, type Exposition } from './exposition.js';
export { HandlingMetrics } from './handling-metrics.js';
export { MessageMetrics } from './message-metrics.js';
export { openTracing, startSdk, type StopTracing } from './open-tracing.js';
export { TrustMetrics } from './trust-metrics.js';
export { processMetrics } from './process-metrics.js';
export { RequestMetrics } from './request-metrics.js';
