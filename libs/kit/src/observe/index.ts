export { CallMetrics } from './call-metrics.js';
export { MessageMetrics } from './message-metrics.js';
export { processMetrics } from './process-metrics.js';
