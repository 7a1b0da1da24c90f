export { CallMetrics } from './call-metrics.js';
