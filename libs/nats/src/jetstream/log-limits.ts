/** Limits of the messages that the broker keeps. */
export interface LogLimits {
  /** How long it keeps messages, in milliseconds. Default three days: as long as outboxes keep what was sent. */
  readonly maxAgeMs?: number | undefined;
  /** How long the broker detects duplicates, in milliseconds. Default two minutes. The inbox detects later ones. */
  readonly duplicateWindowMs?: number | undefined;
  /**
   * Number of servers that must have a message before it counts as stored. Default: that of the existing stream, or one
   * for a new stream.
   */
  readonly replicas?: number | undefined;
  /** The most bytes that it keeps; beyond them, the oldest messages go. Default: that of the existing stream, or no limit. */
  readonly maxBytes?: number | undefined;
  /** The largest message that it takes, in bytes. Default: that of the existing stream, or what the server takes. */
  readonly maxMessageBytes?: number | undefined;
}
