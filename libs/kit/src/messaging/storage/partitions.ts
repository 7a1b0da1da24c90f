/**
 * The number of partitions of a module's keys, which its replicas share. Fixed, because each row stores its partition.
 */
export const PARTITIONS = 16;

/** SQL of the partition of a key. */
export const partitionOf = (key: string): string => `(hashtext(${key}) & ${PARTITIONS - 1})::smallint`;
